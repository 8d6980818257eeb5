"""The chi-square divergence against SciPy's statistic, a Gaussian's closed form, and loops."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import chi2_contingency, norm

from fairkd.fairness.chi_square import chi_square, chi_square_of_groups


def test_of_decisions_it_is_the_contingency_tables_over_n():
    rng = np.random.default_rng(0)
    cell = rng.integers(3, size=90)
    decided = (cell + rng.integers(3, size=90)) // 2 > 0
    table = np.array([[((cell == g) & (decided == d)).sum() for g in range(3)] for d in (0, 1)])
    expected = chi2_contingency(table, correction=False).statistic / 90
    scores = torch.from_numpy(decided.astype(float))[:, None]
    members = torch.eye(3, dtype=torch.float64)[cell]
    narrow = torch.tensor(0.05, dtype=torch.float64)
    assert float(chi_square_of_groups(scores, members, narrow)) == pytest.approx(
        expected, rel=1e-10
    )
    assert expected > 0.1
    # Of two groups it is the squared correlation, which is what HGR is of two binary variables.
    two = cell < 2
    phi = np.corrcoef(decided[two], cell[two])[0, 1]
    found = chi_square_of_groups(
        scores[torch.from_numpy(two)], members[torch.from_numpy(two)], narrow
    )
    assert float(found) == pytest.approx(phi**2, rel=1e-10)


@pytest.mark.parametrize("correlation", [0.0, 0.3, -0.6])
def test_of_a_gaussian_pair_it_is_the_closed_form(correlation):
    n = 250
    # A sample as even as a grid: all pairs of n quantiles of two independent normals.
    quantiles = norm.ppf((np.arange(n) + 0.5) / n)
    z, w = (a.ravel() for a in np.meshgrid(quantiles, quantiles))
    u, v = z, correlation * z + math.sqrt(1 - correlation**2) * w
    width = 0.2
    smoothed = correlation / (1 + width**2)  # kernels add their variance to each
    expected = smoothed**2 / (1 - smoothed**2)
    found = chi_square(torch.from_numpy(u), torch.from_numpy(v), width, bins=100)
    assert float(found) == pytest.approx(expected, rel=0.05, abs=1e-6)


def _by_loops(u: np.ndarray, v: np.ndarray, bins: int) -> float:
    n, width = len(u), len(u) ** (-1 / 6)
    u, v = (u - u.mean()) / u.std(), (v - v.mean()) / v.std()
    table = np.zeros((bins, bins))
    grids = [np.linspace(a.min() - 3 * width, a.max() + 3 * width, bins) for a in (u, v)]
    for a, b in zip(u, v, strict=True):
        spread = [norm.pdf(grid, x, width) for grid, x in zip(grids, (a, b), strict=True)]
        table += np.outer(*(s / s.sum() for s in spread)) / n
    total = 0.0
    for k in range(bins):
        for m in range(bins):
            total += table[k, m] ** 2 / (table[k].sum() * table[:, m].sum())
    return total - 1


def test_of_two_continuous_quantities_it_is_what_loops_say():
    rng = np.random.default_rng(1)
    u = rng.uniform(size=40)
    v = u**2 + 0.2 * rng.normal(size=40)
    found = float(chi_square(torch.from_numpy(u), torch.from_numpy(v), bins=30))
    assert found == pytest.approx(_by_loops(u, v, 30), rel=1e-9)
    moved = chi_square(torch.from_numpy(3 * u - 1), torch.from_numpy(-v), bins=30)
    assert float(moved) == pytest.approx(found, rel=1e-9)  # nor do units matter


def test_it_sees_a_dependence_that_no_correlation_sees():
    u = torch.linspace(-1, 1, 201, dtype=torch.float64)
    v = u.square()
    assert abs(float(torch.corrcoef(torch.stack([u, v]))[0, 1])) < 1e-12
    assert float(chi_square(u, v)) > 0.5


def test_gradients_reach_the_scores_and_a_constant_depends_on_nothing():
    v = torch.randn(25, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    u = (v + torch.linspace(0, 1, 25)).requires_grad_()
    (gradient,) = torch.autograd.grad(chi_square(u, v), u)
    assert float(chi_square((u - 0.05 * gradient).detach(), v)) < float(chi_square(u, v).detach())
    constant = torch.full_like(v, 0.3).requires_grad_()
    value = chi_square(constant, v)
    (gradient,) = torch.autograd.grad(value, constant)
    assert float(value.detach()) == pytest.approx(0.0, abs=1e-12)
    assert gradient.abs().max() < 1e-12


@pytest.mark.parametrize("groups", [2, 3])
def test_soft_scores_and_members_are_what_loops_say(groups):
    rng = np.random.default_rng(2)
    s, members = rng.uniform(size=30), rng.dirichlet(np.ones(groups), size=30)
    weights = members.sum(1) / members.sum()
    mean = (weights * s).sum()
    z = (s - mean) / math.sqrt((weights * (s - mean) ** 2).sum())
    width = (0.75 * members.sum()) ** -0.2
    grid = np.linspace(z.min() - 3 * width, z.max() + 3 * width, 50)
    table = np.zeros((50, groups))
    for one, shares in zip(z, members / members.sum(), strict=True):
        spread = norm.pdf(grid, one, width)
        table += np.outer(spread / spread.sum(), shares)
    expected = (table**2 / np.outer(table.sum(1), table.sum(0))).sum() - 1
    found = chi_square_of_groups(torch.from_numpy(s)[:, None], torch.from_numpy(members))
    assert float(found) == pytest.approx(expected, rel=1e-9)
    assert expected > 1e-3
