"""The Pareto front of accuracy (up) and disparity (down), and the ranks behind it.

A point dominates another if it is at least as good in both and better in one. Rank 1, the Pareto
front, is what nothing dominates; rank k is what nothing dominates once ranks below k are taken away
(non-dominated sorting: Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II",
2002). Equal points share a rank. A point with an undefined coordinate compares with nothing: it has
no rank and is on no front.
"""

from collections.abc import Sequence

import numpy as np


def ranks(accuracy: Sequence[float], disparity: Sequence[float]) -> list[int | None]:
    """Each point's rank by non-dominated sorting, from 1; ``None`` where a coordinate is NaN.

    Args:
        accuracy: higher is better, length n.
        disparity: lower is better, length n.
    """
    up = np.asarray(accuracy, dtype=np.float64)
    down = np.asarray(disparity, dtype=np.float64)
    left = np.flatnonzero(~(np.isnan(up) | np.isnan(down)))
    found: list[int | None] = [None] * len(up)
    rank = 1
    while left.size:
        a, d = up[left], down[left]
        no_worse = (a[:, None] >= a) & (d[:, None] <= d)
        better = (a[:, None] > a) | (d[:, None] < d)
        dominated = (no_worse & better).any(0)
        for place in left[~dominated]:
            found[place] = rank
        left = left[dominated]
        rank += 1
    return found
