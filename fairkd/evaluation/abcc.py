"""Area between cumulative curves: how far apart the groups' whole score distributions are.

ABCC is the integral over the score of ``|ECDF_0 - ECDF_1|``, which is the 1-D Wasserstein distance
between the two groups' scores (Han et al., "Retiring Delta-DP", 2023). Unlike the demographic
parity difference it needs no decision threshold. With more than two groups the furthest pair
counts; with more than two classes, the worst class's probability.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from fairkd.evaluation.intervals import UNKNOWN, Interval, percentile, resample
from fairkd.evaluation.rates import reported

_SUPPORT = 128


def abcc(probabilities: NDArray[np.float64], group: NDArray[np.int64]) -> float:
    """The area between the furthest two groups' cumulative curves.

    Args:
        probabilities: shape ``[N, C]``.
        group: each row's cell, shape ``[N]``, none missing.

    Returns:
        NaN for fewer than two groups.
    """
    per_class = [_exact(probabilities[:, k], group) for k in reported(probabilities.shape[1])]
    return max(per_class)


def abcc_interval(
    probabilities: NDArray[np.float64],
    group: NDArray[np.int64],
    draws: int,
    confidence: float,
    generator: np.random.Generator,
) -> Interval:
    """The percentile interval of `abcc`, resampling the rows within each group.

    Scores are first moved to the mean of their bin (128 bins with equally many rows), which changes
    a Wasserstein distance by at most the mean move; each draw is shifted back by what it changed
    the estimate. Like every gap's, the interval lies too high where the truth is near 0.
    """
    if len(np.unique(group)) < 2:
        return UNKNOWN
    classes = reported(probabilities.shape[1])
    worst = np.full(draws, -np.inf)
    for k in classes:
        support, counts = _binned(probabilities[:, k], group)
        drawn = np.stack([resample(row, draws, generator) for row in counts], axis=1)
        shift = _exact(probabilities[:, k], group) - float(_furthest(support, counts[None])[0])
        worst = np.maximum(worst, _furthest(support, drawn) + shift)
    return percentile(worst.clip(0, 1), confidence).at(())


def _exact(scores: NDArray[np.float64], group: NDArray[np.int64]) -> float:
    support, place = np.unique(scores, return_inverse=True)
    counts = _cross_tabulate(group, place, len(support))
    if len(counts) < 2:
        return float("nan")
    return float(_furthest(support, counts[None])[0])


def _binned(
    scores: NDArray[np.float64], group: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bin means, ascending, and the counts of each non-empty group in each bin."""
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, _SUPPORT + 1)[1:-1]))
    _, place = np.unique(np.searchsorted(edges, scores, side="right"), return_inverse=True)
    means = np.bincount(place, weights=scores) / np.bincount(place)
    return means, _cross_tabulate(group, place, len(means))


def _cross_tabulate(
    group: NDArray[np.int64], place: NDArray[np.int64], width: int
) -> NDArray[np.float64]:
    names, rows = np.unique(group, return_inverse=True)
    flat = np.bincount(rows * width + place, minlength=len(names) * width)
    return flat.reshape(len(names), width).astype(np.float64)


def _furthest(support: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest area between two groups' curves, shape ``[D]``, from counts ``[D, G, S]``."""
    curves = np.cumsum(counts, axis=-1) / counts.sum(-1, keepdims=True)
    weighted = torch.from_numpy(curves[..., :-1] * np.diff(support))
    return torch.cdist(weighted, weighted, p=1).amax((-1, -2)).numpy()
