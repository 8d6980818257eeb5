"""Area under the ROC curve with DeLong's variance, and its gap between groups."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from fairkd.evaluation.intervals import UNKNOWN, Interval, normal_interval, percentile
from fairkd.evaluation.rates import reported


class Auc(NamedTuple):
    """An area under the ROC curve and the variance of its estimate."""

    value: float
    variance: float

    def interval(self, confidence: float) -> Interval:
        """The normal interval, cut to [0, 1]."""
        low, high, undefined = normal_interval(self.value, self.variance, confidence)
        if undefined:
            return UNKNOWN
        return Interval(max(low, 0.0), min(high, 1.0), 0.0)


def auc(probabilities: NDArray[np.float64], y: NDArray[np.int64]) -> Auc:
    """Area under the ROC curve of one set of rows.

    With two classes, of the positive class's probability; with more, the plain mean over classes of
    each against the rest. The variance is DeLong's, from each row's share in the estimate (DeLong,
    DeLong & Clarke-Pearson, Biometrics 1988; by midranks as in Sun & Xu, IEEE Signal Processing
    Letters 2014). It is 0 where the classes are perfectly separated: the interval is then a point.

    Args:
        probabilities: shape ``[N, C]``.
        y: class indices, shape ``[N]``.

    Returns:
        NaN where a class has no row; NaN variance where a class has fewer than two.
    """
    n_classes = probabilities.shape[1]
    sizes = np.bincount(y, minlength=n_classes)
    if (sizes == 0).any():
        return Auc(np.nan, np.nan)
    kept = reported(n_classes)
    areas = []
    influence = np.zeros(len(y))
    for k in kept:
        positive = y == k
        placements = _placements(probabilities[:, k], positive)
        areas.append(placements[positive].mean())
        influence += placements / np.where(positive, sizes[k], len(y) - sizes[k]) / len(kept)
    if (sizes < 2).any():
        return Auc(float(np.mean(areas)), np.nan)
    variance = sum(sizes[k] * influence[y == k].var(ddof=1) for k in range(n_classes))
    return Auc(float(np.mean(areas)), float(variance))


def auc_difference_interval(
    groups: list[Auc], draws: int, confidence: float, generator: np.random.Generator
) -> Interval:
    """The interval of the largest minus the smallest AUC among groups.

    Groups share no rows, so their estimates are independent: each is drawn from its normal
    distribution (a parametric bootstrap) and the gap of each draw is taken. Unknown where fewer
    than two groups have an AUC, or one of those has no variance.
    """
    defined = [group for group in groups if not np.isnan(group.value)]
    if len(defined) < 2 or any(np.isnan(group.variance) for group in defined):
        return UNKNOWN
    values = np.array([group.value for group in defined])
    spread = np.sqrt([group.variance for group in defined])
    drawn = values + spread * generator.standard_normal((draws, len(defined)))
    gaps = np.ptp(drawn.clip(0, 1), axis=1)
    return percentile(gaps, confidence).at(())


def _placements(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """For each row, the share of opposite rows that it is on the right side of (ties: half)."""
    ranks = rankdata(scores)
    placements = np.empty(len(scores))
    n_positive = int(positive.sum())
    above = ranks[positive] - rankdata(scores[positive])
    below = ranks[~positive] - rankdata(scores[~positive])
    placements[positive] = above / (len(scores) - n_positive)
    placements[~positive] = 1 - below / n_positive
    return placements
