"""A mixture of learners that keeps a bound in expectation, by exponentiated gradient."""

import logging
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from fairlearn import reductions
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from fairkd import checks
from fairkd.baselines.baseline import Fit, Given, decided, drawn
from fairkd.baselines.fitting_rows import (
    FittingRows,
    check_comparable,
    check_two_classes,
    check_words,
)
from fairkd.baselines.reductions import (
    CONSTRAINTS,
    FITTED_ON,
    check_learner,
    learner,
    one_thread,
    reach,
    widest,
)
from fairkd.baselines.votes import cost_of
from fairkd.data.dataset import Dataset

log = logging.getLogger(__name__)

NAME = "exponentiated_gradient"


@dataclass(frozen=True)
class ExponentiatedGradient:
    r"""Fairlearn's `fairlearn.reductions.ExponentiatedGradient` on the training rows.

    The learner is trained again and again on reweighted and relabelled rows; every row is then
    decided by one of them, drawn at random. In expectation and on the training rows no two groups
    differ by more than

    .. math:: \varepsilon + r \, e \, (1 + 2 \nu)

    with :math:`\varepsilon` the threshold, :math:`e` the slack ``eps``, :math:`\nu` the duality gap
    that was reached and r from 1 to 2, `fairkd.baselines.reductions.reach` (Agarwal et al., 2018,
    theorem 3: Fairlearn is given :math:`\varepsilon / r`, for it bounds each group's difference to
    all rows, and lets its multipliers sum to 1 / e). Rows whose group is not known are left out.

    Args:
        by: the group block; ``None`` is the data's first.
        statistic: one of `fairkd.baselines.names.STATISTICS`.
        threshold: the largest difference between two groups, from 0 to 1.
        estimator: a scikit-learn classifier whose ``fit`` takes ``sample_weight``.
        eps: the slack, above 0.
        max_iter: iterations, at most.
        nu: the duality gap at which it stops; ``None``: half the standard error of the learner's
            error on the training rows.
        seed: of the random decisions, and of the learner where it has none of its own.

    Raises:
        ConfigError: a value that is not accepted.
    """

    by: str | None = None
    statistic: str = "selection_rate"
    threshold: float = 0.05
    estimator: Any = field(default_factory=lambda: LogisticRegression(solver="newton-cholesky"))
    eps: float = 0.01
    max_iter: int = 50
    nu: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every value."""
        check_words(self.statistic, self.seed)
        checks.number("threshold", self.threshold, least=0.0, most=1.0)
        checks.number("eps", self.eps, above=0.0, most=1.0)
        checks.whole("max_iter", self.max_iter, least=1)
        if self.nu is not None:
            checks.number("nu", self.nu, above=0.0)
        check_learner(self.estimator)

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
        splits = given.dataset.splits
        used = [place for place, share in fitted.weights_.items() if share > 0]
        shares = [float(fitted.weights_[place]) for place in used]
        learners = [fitted.predictors_[place] for place in used]

        def positive(x: NDArray[np.float32]) -> NDArray[np.float64]:
            return np.asarray(fitted._pmf_predict(x)[:, 1], dtype=np.float64)

        def decide(split: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
            probabilities = positive(splits[split].floats.flatten(1).cpu().numpy())
            return probabilities, drawn(probabilities, self.seed)

        price = cost_of(
            learners, shares, splits["test"].rows(slice(1)).floats, given.settings.latency_repeats
        )
        gap = float(fitted.best_gap_)
        slack = reach(self.statistic, rows) * self.eps * (1 + 2 * gap)
        facts = {
            "learners": float(len(learners)),
            "learners_trained": float(fitted.n_oracle_calls_),
            "iterations": float(fitted.last_iter_ + 1),
            "duality_gap": gap,
            "train_difference": widest(positive(rows.x), self.statistic, rows),
            "train_difference_promised": self.threshold + slack,
        }
        if gap > fitted.nu:
            log.warning(
                "%s: after %d iterations the duality gap is %.4f, more than %.4f; a larger "
                "baseline.max_iter may find a better mixture.",
                NAME,
                fitted.last_iter_ + 1,
                gap,
                fitted.nu,
            )
        return Fit({NAME: decided(decide, cost=price)}, facts, seconds)

    def _fitted(self, rows: FittingRows) -> Any:
        bound = self.threshold / reach(self.statistic, rows)
        return reductions.ExponentiatedGradient(
            learner(self.estimator, self.seed),
            CONSTRAINTS[self.statistic](difference_bound=bound),
            eps=self.eps,
            max_iter=self.max_iter,
            nu=self.nu,
        ).fit(rows.x, rows.y, sensitive_features=rows.cell)
