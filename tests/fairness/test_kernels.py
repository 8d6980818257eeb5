"""HSIC and MMD against matrices and loops."""

import math

import numpy as np
import pytest
import torch

from fairkd.fairness.kernels import hsic, median_distance, mmd


def _random(rows: int, columns: int = 1, groups: int = 3, seed: int = 0):
    rng = np.random.default_rng(seed)
    cell = np.r_[np.arange(groups), rng.integers(groups, size=rows - groups)]
    return rng.uniform(size=(rows, columns)) ** (1 + cell[:, None]), cell


def _tensors(scores: np.ndarray, cell: np.ndarray):
    return torch.from_numpy(scores), torch.eye(cell.max() + 1, dtype=torch.float64)[cell]


def _kernel(a: np.ndarray, b: np.ndarray, width: float) -> float:
    return math.exp(-sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) / (2 * width**2))


def _hsic_by_centring(scores: np.ndarray, cell: np.ndarray, width: float) -> float:
    """The definition: tr(K H L H) / n^2."""
    n = len(cell)
    k = np.array([[_kernel(a, b, width) for b in scores] for a in scores])
    same = (cell[:, None] == cell[None, :]).astype(float)
    centring = np.eye(n) - np.ones((n, n)) / n
    return float(np.trace(k @ centring @ same @ centring)) / n**2


def _mmd_by_loops(scores: np.ndarray, cell: np.ndarray, width: float) -> float:
    found = []
    groups = [scores[cell == g] for g in np.unique(cell)]
    for place, one in enumerate(groups):
        for other in groups[place + 1 :]:
            within = [np.mean([_kernel(a, b, width) for a in g for b in g]) for g in (one, other)]
            across = np.mean([_kernel(a, b, width) for a in one for b in other])
            found.append(within[0] + within[1] - 2 * across)
    return float(np.mean(found))


@pytest.mark.parametrize(("ours", "theirs"), [(hsic, _hsic_by_centring), (mmd, _mmd_by_loops)])
@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("groups", [2, 4])
def test_it_is_what_the_definition_says(ours, theirs, columns, groups):
    scores, cell = _random(23, columns, groups)
    s, m = _tensors(scores, cell)
    found = float(ours(s, m, torch.tensor(0.2, dtype=torch.float64)))
    assert found == pytest.approx(theirs(scores, cell, 0.2), rel=1e-10)
    assert found > 1e-3
    distances = [np.linalg.norm(scores[i] - scores[j]) for i in range(23) for j in range(i)]
    width = float(np.median(distances))  # of 253, so one of them
    assert float(median_distance(s, m)) == pytest.approx(width, rel=1e-12)
    assert float(ours(s, m)) == pytest.approx(theirs(scores, cell, width), rel=1e-10)


def test_known_values():
    # Two groups at 0 and at 1, two rows each: k = 1 within and e^-1/2 across at width 1.
    s = torch.tensor([[0.0], [0.0], [1.0], [1.0]], dtype=torch.float64)
    m = torch.eye(2, dtype=torch.float64)[[0, 0, 1, 1]]
    across = math.exp(-0.5)
    assert float(mmd(s, m, torch.tensor(1.0))) == pytest.approx(2 - 2 * across, rel=1e-14)
    # Of equal shares HSIC is pi^2 (1 - pi)^2 MMD^2 for each of the two groups.
    assert float(hsic(s, m, torch.tensor(1.0))) == pytest.approx(2 * (2 - 2 * across) / 16)


def test_two_groups_hsic_is_their_mmd_times_their_shares():
    scores, cell = _random(20, groups=2)
    s, m = _tensors(scores, cell)
    share = float(m[:, 0].mean())
    expected = 2 * (share * (1 - share)) ** 2 * float(mmd(s, m))
    assert float(hsic(s, m)) == pytest.approx(expected, rel=1e-12)


def test_the_median_takes_no_gradient_and_has_a_value_where_all_are_equal():
    s = torch.rand(6, 1, requires_grad=True)
    m = torch.eye(2)[[0, 1, 0, 1, 0, 1]]
    assert not median_distance(s, m).requires_grad
    assert float(median_distance(torch.full((6, 1), 0.4), m)) == 1.0
    assert float(median_distance(s[:1], m[:1])) == 1.0


def test_a_wide_kernel_compares_means():
    scores, cell = _random(40, groups=2)
    s, m = _tensors(scores, cell)
    gap = float(scores[cell == 0].mean() - scores[cell == 1].mean())
    wide = 100.0
    found = float(mmd(s, m, torch.tensor(wide))) * wide**2
    assert found == pytest.approx(gap**2, rel=1e-3)
