"""One learner of a grid of trade-offs between error and disparity."""

import logging
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from fairlearn import reductions
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from fairkd import checks
from fairkd.baselines.baseline import Fit, Given, decided
from fairkd.baselines.fitting_rows import (
    FittingRows,
    check_comparable,
    check_two_classes,
    check_words,
)
from fairkd.baselines.reductions import CONSTRAINTS, FITTED_ON, check_learner, learner, one_thread
from fairkd.baselines.votes import cost_of
from fairkd.data.dataset import Dataset
from fairkd.errors import ConfigError
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.trio import chosen_by
from fairkd.fairness.names import RECORDED_AS

log = logging.getLogger(__name__)

NAME = "grid_search"
_CHOSEN_ON = "validation"
_FAIRLEARNS_WEIGHT = 0.5


@dataclass(frozen=True)
class GridSearch:
    """Fairlearn's `fairlearn.reductions.GridSearch` on the training rows.

    The learner is trained once for each of a grid of multipliers (Agarwal et al., 2018, section
    3.4). Of these, the most accurate one on validation is taken whose groups differ there by at
    most the threshold, or the one of the smallest difference where none keeps it. Without a
    threshold the choice is Fairlearn's, by a weighted sum of error and violation on the training
    rows. Every row is decided by one learner, without draws. Rows whose group is not known are left
    out.

    Args:
        by: the group block; ``None`` is the data's first.
        statistic: one of `fairkd.baselines.names.STATISTICS`.
        threshold: the largest difference between two groups, from 0 to 1, or ``None``.
        estimator: a scikit-learn classifier whose ``fit`` takes ``sample_weight``.
        grid_size: so many learners.
        grid_limit: the largest multiplier, above 0.
        constraint_weight: of the violation in Fairlearn's choice, from 0 to 1.
        seed: of the learner, where it has none of its own.

    Raises:
        ConfigError: a value that is not accepted.
    """

    by: str | None = None
    statistic: str = "selection_rate"
    threshold: float | None = 0.05
    estimator: Any = field(default_factory=lambda: LogisticRegression(solver="newton-cholesky"))
    grid_size: int = 31
    grid_limit: float = 2.0
    constraint_weight: float = _FAIRLEARNS_WEIGHT
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every value."""
        check_words(self.statistic, self.seed)
        checks.whole("grid_size", self.grid_size, least=2)
        checks.number("grid_limit", self.grid_limit, above=0.0)
        checks.number("constraint_weight", self.constraint_weight, least=0.0, most=1.0)
        check_learner(self.estimator)
        if self.threshold is None:
            return
        checks.number("threshold", self.threshold, least=0.0, most=1.0)
        if self.constraint_weight != _FAIRLEARNS_WEIGHT:
            raise ConfigError(
                f"constraint_weight={checks.as_typed(self.constraint_weight)} has no effect while "
                f"threshold={checks.as_typed(self.threshold)} chooses on validation; leave it at "
                f"{_FAIRLEARNS_WEIGHT}, or set the threshold to null."
            )

    @property
    def rows(self) -> tuple[str, ...]:
        """See `fairkd.baselines.baseline.Baseline`."""
        return (NAME,)

    def check(self, dataset: Dataset) -> None:
        """See `fairkd.baselines.baseline.Baseline`."""
        check_two_classes(dataset)
        check_comparable(FittingRows.of(dataset, FITTED_ON, self.by), self.statistic, FITTED_ON)

    def fit(self, given: Given) -> Fit:
        """See `fairkd.baselines.baseline.Baseline`."""
        with one_thread():
            return self._fit(given)

    def _fit(self, given: Given) -> Fit:
        rows = FittingRows.of(given.dataset, FITTED_ON, self.by)
        began = time.perf_counter()
        fitted = self._fitted(rows)
        seconds = time.perf_counter() - began
        place = fitted.best_idx_ if self.threshold is None else self._chosen(fitted, given)
        chosen = fitted.predictors_[place]
        splits = given.dataset.splits

        def decide(split: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
            x = splits[split].floats.flatten(1).cpu().numpy()
            decisions = _decided(chosen, x)
            if not hasattr(chosen, "predict_proba"):
                return decisions.astype(np.float64), decisions
            return _positive(chosen, x), decisions

        repeats = given.settings.latency_repeats
        price = cost_of([chosen], [1.0], splits["test"].rows(slice(1)).floats, repeats)
        facts = {
            "learners_trained": float(len(fitted.predictors_)),
            "chosen": float(place),
            "largest_multiplier": float(fitted.lambda_vecs_.iloc[:, place].max()),
        }
        return Fit({NAME: decided(decide, cost=price)}, facts, seconds)

    def _fitted(self, rows: FittingRows) -> Any:
        return reductions.GridSearch(
            learner(self.estimator, self.seed),
            CONSTRAINTS[self.statistic](),
            constraint_weight=self.constraint_weight,
            grid_size=self.grid_size,
            grid_limit=self.grid_limit,
        ).fit(rows.x, rows.y, sensitive_features=rows.cell)

    def _chosen(self, fitted: Any, given: Given) -> int:
        """The place of the learner that validation prefers under the threshold."""
        truth = next(iter(given.predictions[_CHOSEN_ON].values())).truth
        x = given.dataset.splits[_CHOSEN_ON].floats.flatten(1).cpu().numpy()
        name = f"{RECORDED_AS[self.statistic]}/{given.dataset.blocks.named(self.by).name}"
        judged = []
        for candidate in fitted.predictors_:
            decisions = _decided(candidate, x)
            both = np.eye(2)[decisions]
            found = chosen_by(Predictions(both, truth, decisions), given.settings)
            judged.append((found["accuracy"], np.nan_to_num(found[name], nan=np.inf)))
        assert self.threshold is not None
        kept = [place for place, (_, gap) in enumerate(judged) if gap <= self.threshold]
        if kept:
            return max(kept, key=lambda place: (judged[place][0], -judged[place][1]))
        nearest = min(range(len(judged)), key=lambda place: (judged[place][1], -judged[place][0]))
        log.warning(
            "%s: none of %d learners keeps %s within %g on validation; the nearest is at %.4f. A "
            "larger baseline.grid_size or baseline.grid_limit may find one.",
            NAME,
            len(judged),
            name,
            self.threshold,
            judged[nearest][1],
        )
        return nearest


def _decided(chosen: Any, x: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.asarray(chosen.predict(x), dtype=np.int64)


def _positive(chosen: Any, x: NDArray[np.float32]) -> NDArray[np.float64]:
    """The probability of the positive class; of one that only knows one class, 0 or 1."""
    classes = list(chosen.classes_)
    given = np.asarray(chosen.predict_proba(x), dtype=np.float64)
    return given[:, classes.index(1)] if 1 in classes else np.zeros(len(x))
