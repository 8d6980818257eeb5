"""Area under the ROC curve with DeLong's variance, and its gap between groups."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fairkd.evaluation.intervals import UNKNOWN, Interval, normal_interval, percentile


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


def auc(
    probabilities: NDArray[np.float64],
    y: NDArray[np.int64],
    ascending: Mapping[int, NDArray[np.int64]],
) -> Auc:
    """Area under the ROC curve of one set of rows.

    With two classes, of the positive class's probability; with more, the plain mean over classes of
    each against the rest. The variance is DeLong's, from each row's share in the estimate (DeLong,
    DeLong & Clarke-Pearson, Biometrics 1988; by midranks as in Sun & Xu, IEEE Signal Processing
    Letters 2014). It is 0 where the classes are perfectly separated: the interval is then a point.

    Args:
        probabilities: shape ``[N, C]``.
        y: class indices, shape ``[N]``.
        ascending: the rows to measure, all or some of the N, in the ascending order of the
            probability of each class that counts (`Predictions.ascending`).

    Returns:
        NaN where a class has no row; NaN variance where a class has fewer than two.
    """
    n_classes = probabilities.shape[1]
    rows = next(iter(ascending.values()))
    sizes = np.bincount(y[rows], minlength=n_classes)
    if (sizes == 0).any():
        return Auc(np.nan, np.nan)
    areas = []
    influence = np.zeros(len(y))
    for k, order in ascending.items():
        positive = y[order] == k
        placements = _placements(probabilities[order, k], positive)
        areas.append(placements[positive].mean())
        own = np.where(positive, sizes[k], len(rows) - sizes[k])
        influence[order] += placements / own / len(ascending)
    if (sizes < 2).any():
        return Auc(float(np.mean(areas)), np.nan)
    shares, label = influence[rows], y[rows]
    variance = sum(sizes[k] * shares[label == k].var(ddof=1) for k in range(n_classes))
    return Auc(float(np.mean(areas)), float(variance))


def separation(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> Auc:
    """`auc` of scores that already ascend, each of a positive row or a negative one.

    Args:
        scores: shape ``[N]``, ascending and finite.
        positive: shape ``[N]``.

    Returns:
        NaN with fewer than two rows on a side.
    """
    n_positive = int(positive.sum())
    if min(n_positive, len(scores) - n_positive) < 2:
        return Auc(np.nan, np.nan)
    sides = _sides(scores, positive)
    variance = sum(side.var(ddof=1) / len(side) for side in sides)
    return Auc(float(sides[0].mean()), float(variance))


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
    """`_sides` put together again: one placement a row."""
    placements = np.empty(len(scores))
    placements[positive], placements[~positive] = _sides(scores, positive)
    return placements


def _sides(
    scores: NDArray[np.float64], positive: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each positive and each negative row, the share of opposite rows below or above it.

    Equal scores count by half. The rows come in ascending order of their scores. Of millions of
    rows few arrays are held at a time.
    """
    n, n_positive = len(scores), int(positive.sum())
    begins = np.diff(scores, prepend=-np.inf) > 0
    first = np.flatnonzero(begins)
    positives = np.add.reduceat(positive, first, dtype=np.int64)
    positives_below = np.cumsum(positives, dtype=np.float64)
    positives_below -= positives / 2
    del positives
    negatives_below = np.diff(first, append=n) / 2
    negatives_below += first
    negatives_below -= positives_below
    del first
    tie = np.cumsum(begins, dtype=np.int64)
    tie -= 1
    above_negatives = negatives_below / (n - n_positive)
    del negatives_below
    of_positives: NDArray[np.float64] = above_negatives[tie[positive]]
    del above_negatives
    below_positives = 1 - positives_below / n_positive
    of_negatives: NDArray[np.float64] = below_positives[tie[~positive]]
    return of_positives, of_negatives
