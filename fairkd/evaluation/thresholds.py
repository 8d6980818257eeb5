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
from fairkd.evaluation.cuts import DEFAULT, Cuts
from fairkd.evaluation.predictions import Predictions


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
    cuts = {name: predictions.cuts for name, predictions in models.items()}
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
    cuts = {name: predictions.cuts for name, predictions in models.items()}
    return _nearest(target, cuts, {name: cut.accuracy for name, cut in cuts.items()})


def _nearest(
    target: float, cuts: Mapping[str, Cuts], values: Mapping[str, NDArray[np.float64]]
) -> MatchedThresholds:
    thresholds, achieved = {}, {}
    for name, cut in cuts.items():
        best = cut.nearest(values[name], target)
        thresholds[name] = float(cut.threshold[best])
        achieved[name] = float(values[name][best])
    return MatchedThresholds(target, thresholds, achieved)


def _require_two_classes(predictions: Predictions) -> None:
    if len(predictions.classes) != 2:
        raise ConfigError(
            f"Matched thresholds need two classes and this task has {len(predictions.classes)}; "
            "compare its models at their most likely class instead."
        )
