import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairkd.sweeps.front import ranks

nan = math.nan


def slow_ranks(accuracy: list[float], disparity: list[float]) -> list[int | None]:
    """One more than the longest chain of points that dominate each other down to this one."""
    points = list(zip(accuracy, disparity, strict=True))

    def rank(mine: tuple[float, float]) -> int:
        deepest = 0
        for other in points:
            at_least = other[0] >= mine[0] and other[1] <= mine[1]
            if at_least and other != mine:  # NaN is at least nothing
                deepest = max(deepest, rank(other))
        return deepest + 1

    return [None if math.isnan(a) or math.isnan(d) else rank((a, d)) for a, d in points]


def test_a_front_and_the_ones_behind_it():
    accuracy = [0.9, 0.8, 0.7, 0.8, 0.6, 0.9]
    disparity = [0.3, 0.1, 0.05, 0.2, 0.3, 0.4]
    assert ranks(accuracy, disparity) == [1, 1, 1, 2, 3, 2]


def test_equal_points_share_a_rank():
    assert ranks([0.5, 0.5, 0.4], [0.1, 0.1, 0.1]) == [1, 1, 2]


def test_a_point_with_an_undefined_coordinate_has_no_rank_and_dominates_nothing():
    assert ranks([nan, 0.5, 0.9, 0.4], [0.0, 0.1, nan, 0.2]) == [None, 1, None, 2]


@pytest.mark.parametrize(("accuracy", "expected"), [([], []), ([0.5], [1]), ([nan], [None])])
def test_few_points(accuracy, expected):
    assert ranks(accuracy, [0.1] * len(accuracy)) == expected


coordinate = st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.4, nan])


@given(st.lists(st.tuples(coordinate, coordinate), max_size=12))
def test_ranks_equal_the_slow_ones(points):
    accuracy, disparity = [a for a, _ in points], [d for _, d in points]
    assert ranks(accuracy, disparity) == slow_ranks(accuracy, disparity)


def test_a_permutation_permutes_the_ranks():
    rng = np.random.default_rng(0)
    accuracy, disparity = rng.random((2, 40))
    order = rng.permutation(40)
    found = ranks(accuracy.tolist(), disparity.tolist())
    assert max(rank for rank in found if rank is not None) > 3
    permuted = ranks(accuracy[order].tolist(), disparity[order].tolist())
    assert permuted == [found[place] for place in order]
