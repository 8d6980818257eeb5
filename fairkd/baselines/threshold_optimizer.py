"""Thresholds for each group on scores of a trained model (Hardt, Price and Srebro, 2016)."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from fairlearn import postprocessing
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from fairkd import checks
from fairkd.baselines.baseline import Fit, Given, Row, decided, drawn
from fairkd.baselines.fitting_rows import (
    FittingRows,
    check_both_labels,
    check_comparable,
    check_two_classes,
    check_words,
)
from fairkd.baselines.names import OBJECTIVES
from fairkd.data.dataset import Dataset
from fairkd.errors import ConfigError
from fairkd.evaluation.predictions import Predictions

CONSTRAINTS: Mapping[str, str] = {
    "selection_rate": "demographic_parity",
    "true_positive_rate": "true_positive_rate_parity",
    "false_positive_rate": "false_positive_rate_parity",
    "equalized_odds": "equalized_odds",
}
"""Fairlearn's name for the parity of each statistic."""

NAME = "threshold_optimizer"
OF_TEACHER = "threshold_optimizer_teacher"
_FITTED_ON = "validation"
_TEACHER = "teacher"


@dataclass(frozen=True)
class ThresholdOptimizer:
    """Fairlearn's `fairlearn.postprocessing.ThresholdOptimizer` on the student's scores.

    Of each group's thresholds, and random mixtures of two of them, it takes those with the best
    objective whose rates differ by no more than the threshold between any two groups, in
    expectation and on validation, the rows that choose. The teacher's scores are adjusted in the
    same way, as a row of their own. A row whose group is not known is decided as the model itself
    decides it.

    Args:
        by: the group block; ``None`` is the data's first.
        statistic: one of `fairkd.baselines.names.STATISTICS`.
        threshold: the largest difference between two groups, from 0 to 1; 0 for equalized odds,
            which Fairlearn can only equalise.
        objective: ``accuracy`` or ``balanced_accuracy``.
        grid_size: so many steps from 0 to 1 are tried for the rates.
        seed: of the random decisions.

    Raises:
        ConfigError: a value that is not accepted.
    """

    by: str | None = None
    statistic: str = "selection_rate"
    threshold: float = 0.05
    objective: str = "accuracy"
    grid_size: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every value."""
        check_words(self.statistic, self.seed)
        checks.number("threshold", self.threshold, least=0.0, most=1.0)
        checks.choice("objective", self.objective, OBJECTIVES)
        checks.whole("grid_size", self.grid_size, least=2)
        if self.statistic == "equalized_odds" and self.threshold > 0:
            raise ConfigError(
                f"threshold={checks.as_typed(self.threshold)} cannot be kept for equalized_odds: "
                "Fairlearn's ThresholdOptimizer can only equalise these; accepted: 0."
            )

    @property
    def rows(self) -> tuple[str, ...]:
        """See `fairkd.baselines.baseline.Baseline`."""
        return (OF_TEACHER, NAME)

    def check(self, dataset: Dataset) -> None:
        """See `fairkd.baselines.baseline.Baseline`."""
        check_two_classes(dataset)
        check_both_labels(dataset, self.by, _FITTED_ON)
        check_comparable(FittingRows.of(dataset, _FITTED_ON, self.by), self.statistic, _FITTED_ON)

    def fit(self, given: Given) -> Fit:
        """See `fairkd.baselines.baseline.Baseline`."""
        began = time.perf_counter()
        adjusted = dict(zip(self.rows, (_TEACHER, given.final), strict=True))
        rows = {name: self._adjusted(model, given) for name, model in adjusted.items()}
        return Fit(rows, {}, time.perf_counter() - began)

    def _adjusted(self, model: str, given: Given) -> Row:
        block = given.dataset.blocks.named(self.by).name
        on = {split: models[model] for split, models in given.predictions.items()}
        fitted = self._fitted(on[_FITTED_ON], block)

        def decide(split: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
            predictions = on[split]
            cell = predictions.memberships[block]
            known = cell >= 0
            decisions = predictions.predicted(given.settings.threshold).copy()
            probabilities = decisions.astype(np.float64)
            positive = fitted._pmf_predict(
                predictions.probabilities[known], sensitive_features=cell[known]
            )[:, 1]
            probabilities[known] = positive
            decisions[known] = drawn(positive, self.seed)
            return probabilities, decisions

        return decided(decide, adjusts=model)

    def _fitted(self, predictions: Predictions, block: str) -> Any:
        cell = predictions.memberships[block]
        known = cell >= 0
        return postprocessing.ThresholdOptimizer(
            estimator=_Scores(),
            constraints=CONSTRAINTS[self.statistic],
            objective=f"{self.objective}_score",
            grid_size=self.grid_size,
            prefit=True,
            predict_method="predict_proba",
            tol=self.threshold or None,
        ).fit(
            predictions.probabilities[known],
            predictions.y[known],
            sensitive_features=cell[known],
        )


class _Scores(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Gives back the probabilities it is asked about: the model has computed them already."""

    def fit(self, probabilities: NDArray[np.float64], y: NDArray[np.int64]) -> "_Scores":  # noqa: ARG002
        """There is nothing to fit; scikit-learn asks every estimator for the method."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict_proba(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        return probabilities
