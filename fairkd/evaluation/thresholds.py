"""Decision thresholds at which models compare fairly, chosen on validation rows.

Temperature and mixing weight shift a student's calibration, so at the same threshold of 0.5 two
models may select very different shares. Both choices here are for two classes, look at validation
predictions only, and treat equal scores as one: no threshold can separate them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairkd.errors import ConfigError, DataError
from fairkd.evaluation.predictions import Predictions

DEFAULT = 0.5


@dataclass(frozen=True)
class MatchedThresholds:
    """The thresholds that bring every model near one target on validation.

    Attributes:
        target: the selection rate or accuracy aimed at.
        thresholds: for each model.
        achieved: each model's validation value at its threshold.
    """

    target: float
    thresholds: dict[str, float]
    achieved: dict[str, float]


def equal_selection_rate(
    control: Predictions, models: Mapping[str, Predictions], threshold: float = DEFAULT
) -> MatchedThresholds:
    """Let every model select the share of validation rows that the control does at a threshold.

    Where ties in a model's scores rule the exact share out, the nearest one is taken; of equally
    near ones that whose threshold is nearest to 0.5.

    Raises:
        ConfigError: other than two classes.
    """
    _require_two_classes(control)
    target = float(control.predicted(threshold).mean())
    cuts = {name: _Cuts.of(predictions) for name, predictions in models.items()}
    return _nearest(target, cuts, {name: cut.selected for name, cut in cuts.items()})


def equal_accuracy(
    models: Mapping[str, Predictions], threshold: float = DEFAULT
) -> MatchedThresholds:
    """Bring every model to the lowest validation accuracy that any of them has at a threshold.

    Each gets the threshold whose accuracy is nearest to that; of equally near ones the threshold
    nearest to 0.5.

    Raises:
        ConfigError: other than two classes.
        DataError: no models, or models with other labels, which cannot be of the same rows.
    """
    if not models:
        raise DataError("There is no model whose accuracy could be matched; give at least one.")
    first = next(iter(models.values()))
    for name, predictions in models.items():
        _require_two_classes(predictions)
        if not np.array_equal(predictions.y, first.y):
            raise DataError(f"The labels of '{name}' differ: models must predict the same rows.")
    target = min(
        float((predictions.predicted(threshold) == predictions.y).mean())
        for predictions in models.values()
    )
    cuts = {name: _Cuts.of(predictions) for name, predictions in models.items()}
    return _nearest(target, cuts, {name: cut.accuracy for name, cut in cuts.items()})


@dataclass(frozen=True, eq=False)
class _Cuts:
    """Every way a threshold can divide a model's rows, from selecting all to selecting none."""

    threshold: NDArray[np.float64]
    selected: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @classmethod
    def of(cls, predictions: Predictions) -> "_Cuts":
        scores, place = np.unique(predictions.probabilities[:, 1], return_inverse=True)
        n = predictions.n_rows
        rows = np.bincount(place, minlength=len(scores))
        positives = np.bincount(place, weights=predictions.y, minlength=len(scores))
        # Cut k leaves the k lowest distinct scores below the threshold.
        below = np.concatenate([[0], np.cumsum(rows)])
        positives_below = np.concatenate([[0.0], np.cumsum(positives)])
        negatives_above = (n - below) - (positives.sum() - positives_below)
        return cls(
            threshold=_representatives(scores),
            selected=(n - below) / n,
            accuracy=(n - positives_below - negatives_above) / n,
        )


def _representatives(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """One threshold for each cut: 0.5 where that is one, else midway between two scores."""
    above_all = np.nextafter(1.0, 2.0)
    lower = np.concatenate([[-np.inf], scores])
    upper = np.concatenate([scores, [above_all]])
    middle = (np.maximum(lower, 0.0) + upper) / 2
    middle = np.where(middle > lower, middle, upper)
    return np.where((lower < DEFAULT) & (upper >= DEFAULT), DEFAULT, middle)


def _nearest(
    target: float, cuts: Mapping[str, _Cuts], values: Mapping[str, NDArray[np.float64]]
) -> MatchedThresholds:
    thresholds, achieved = {}, {}
    for name, cut in cuts.items():
        off_centre = np.abs(cut.threshold - DEFAULT)
        best = int(np.lexsort((off_centre, np.abs(values[name] - target)))[0])
        thresholds[name] = float(cut.threshold[best])
        achieved[name] = float(values[name][best])
    return MatchedThresholds(target, thresholds, achieved)


def _require_two_classes(predictions: Predictions) -> None:
    if len(predictions.classes) != 2:
        raise ConfigError(
            f"Matched thresholds need two classes and this task has {len(predictions.classes)}; "
            "compare its models at their most likely class instead."
        )
