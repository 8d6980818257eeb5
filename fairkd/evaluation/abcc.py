"""Area between cumulative curves: how far apart the groups' whole score distributions are.

ABCC is the integral over the score of ``|ECDF_0 - ECDF_1|``, which is the 1-D Wasserstein distance
between the two groups' scores (Han et al., "Retiring Delta-DP", 2023). Unlike the demographic
parity difference it needs no decision threshold. With more than two groups the furthest pair
counts; with more than two classes, the worst class's probability.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fairkd.evaluation.intervals import UNKNOWN, Interval, percentile
from fairkd.evaluation.truth import GroupDraws, part_bounds

Scores = Sequence[Sequence[NDArray[np.float64]]]
"""For each class that counts, each non-empty group's scores in ascending order."""


class _Curves(NamedTuple):
    """Cumulative shares ``[S + 1, D]`` below, at and above the points of a support ``[S]``."""

    support: NDArray[np.float64]
    shares: NDArray[np.floating]


def abcc(scores: Scores) -> float:
    """The area between the furthest two groups' cumulative curves.

    Args:
        scores: by class and group, ascending.

    Returns:
        NaN for fewer than two groups.
    """
    return max((_exact(groups) for groups in scores), default=float("nan"))


def abcc_interval(scores: Scores, drawn: GroupDraws, confidence: float) -> Interval:
    """The percentile interval of `abcc`, resampling the rows within each group.

    Scores are first moved to the mean of their part of their group's ranks (128 equally long
    parts), which changes a Wasserstein distance by at most the mean move; each draw is shifted back
    by what it changed the estimate. Like every gap's, the interval lies too high where the truth is
    near 0.

    Args:
        scores: by class and group, ascending.
        drawn: of each group, `Truth.group_draws`.
        confidence: the share of draws inside.
    """
    if len(drawn) < 2:
        return UNKNOWN
    worst = np.full(drawn[0].shape[1], -np.inf)
    for groups in scores:
        means = [_part_means(group) for group in groups]
        still = [
            _Curves(support, _observed(len(g))) for support, g in zip(means, groups, strict=True)
        ]
        moved = list(map(_Curves, means, drawn))
        shift = _exact(groups) - float(_furthest(still)[0])
        worst = np.maximum(worst, _furthest(moved) + shift)
    return percentile(worst.clip(0, 1), confidence).at(())


def _exact(groups: Sequence[NDArray[np.float64]]) -> float:
    if len(groups) < 2:
        return float("nan")
    return float(_furthest([_Curves(g, np.linspace(0, 1, len(g) + 1)[:, None]) for g in groups])[0])


def _part_means(group: NDArray[np.float64]) -> NDArray[np.float64]:
    bounds = part_bounds(len(group))
    means: NDArray[np.float64] = np.add.reduceat(group, bounds[:-1]) / np.diff(bounds)
    return means


def _observed(size: int) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = part_bounds(size)[:, None] / size
    return shares


def _furthest(groups: Sequence[_Curves]) -> NDArray[np.float64]:
    """The largest area between two groups' curves in each draw, shape ``[D]``."""
    areas = [_area(one, other) for one, other in combinations(groups, 2)]
    furthest: NDArray[np.float64] = np.max(areas, axis=0)
    return furthest


def _area(one: _Curves, other: _Curves) -> NDArray[np.float64]:
    support = np.sort(np.concatenate([one.support, other.support]), kind="stable")
    places = [
        np.searchsorted(curves.support, support[:-1], side="right") for curves in (one, other)
    ]
    gaps = np.abs(one.shares[places[0]] - other.shares[places[1]])
    area: NDArray[np.float64] = np.diff(support) @ gaps
    return area
