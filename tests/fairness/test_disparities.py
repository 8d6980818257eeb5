import itertools

import pytest
import torch
from torch import Tensor

from fairkd.errors import ConfigError
from fairkd.evaluation.disparities import (
    average_absolute_difference,
    average_difference,
    average_relative_difference,
    difference,
    ratio,
)
from fairkd.fairness.disparities import find_disparity, largest_difference
from fairkd.fairness.names import DISPARITIES
from fairkd.fairness.statistics import Rates


def _rates(value: Tensor, defined: Tensor) -> Rates:
    """Rates of 10 rows in every defined group."""
    rows = 10.0 * defined
    return Rates(torch.where(defined, value, 0.0), defined, value * rows, rows)


def _random(groups: int, seed: int = 0) -> Rates:
    g = torch.Generator().manual_seed(seed)
    value = torch.rand(3, 4, groups, generator=g, dtype=torch.float64)
    return _rates(value, torch.rand(3, 4, groups, generator=g) > 0.3)


def test_the_configuration_knows_exactly_the_disparities_there_are():
    assert [find_disparity(name).__name__ for name in DISPARITIES] == list(DISPARITIES)
    with pytest.raises(ConfigError) as refused:
        find_disparity("smallest_ratios")
    assert str(refused.value) == (
        "Unknown disparity 'smallest_ratios'; did you mean 'smallest_ratio'? Accepted: "
        "average_absolute_difference, average_difference, average_relative_difference, "
        "largest_difference, largest_difference_to_overall, norm_largest_difference, "
        "norm_largest_difference_to_overall, smallest_ratio, smooth_largest_difference, "
        "smooth_largest_difference_to_overall, smooth_worst_group, worst_group."
    )


def _by_loop(name: str, values: list[float], overall: float, reference: float | None) -> float:
    """Of the defined groups' values; ``None`` is an undefined reference."""
    pairs = list(itertools.combinations(values, 2))
    if name == "largest_difference_to_overall":
        return max((abs(v - overall) for v in values), default=0.0)
    if name == "worst_group":
        return 1 - min(values) if values else 0.0
    if not pairs:
        return 0.0
    if name == "largest_difference":
        return max(abs(v - w) for v, w in pairs)
    if name == "smallest_ratio":
        return max(1 - min(v, w) / max(v, w) for v, w in pairs)
    if name == "average_absolute_difference":
        return sum(abs(v - w) for v, w in pairs) / len(pairs)
    if reference is None:
        return 0.0
    mean = sum(v - reference for v in values) / (len(values) - 1)
    return abs(mean) if name == "average_difference" else abs(mean / reference)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
@pytest.mark.parametrize("name", DISPARITIES)
def test_every_disparity_is_what_a_loop_says(name, groups):
    rates = _random(groups, seed=groups)
    reference = groups - 1
    found = find_disparity(name)(rates, reference)
    assert found.shape == (3, 4)
    for s, k in itertools.product(range(3), range(4)):
        known = rates.defined[s, k]
        values = rates.value[s, k][known].tolist()
        overall = sum(values) / len(values) if values else 0.0  # equally many rows in each
        base = float(rates.value[s, k, reference]) if known[reference] else None
        assert float(found[s, k]) == pytest.approx(_by_loop(name, values, overall, base), abs=1e-12)


@pytest.mark.parametrize(
    ("name", "recorded"),
    [
        ("largest_difference", lambda v: difference(v)),
        ("smallest_ratio", lambda v: 1 - ratio(v)),
        ("average_difference", lambda v: average_difference(v, 0).abs()),
        ("average_relative_difference", lambda v: average_relative_difference(v, 0).abs()),
        ("average_absolute_difference", average_absolute_difference),
    ],
)
def test_a_bound_is_on_what_the_record_measures(name, recorded):
    rates = _random(5)
    expected = recorded(torch.where(rates.defined, rates.value, torch.nan))
    torch.testing.assert_close(find_disparity(name)(rates, 0), expected.nan_to_num(0.0))


@pytest.mark.parametrize("name", DISPARITIES)
def test_alike_groups_have_no_disparity(name):
    value = torch.full((1, 1, 4), 1.0 if name == "worst_group" else 0.4)
    found = find_disparity(name)(_rates(value, torch.ones(1, 1, 4, dtype=torch.bool)), 1)
    torch.testing.assert_close(found, torch.zeros(1, 1))


@pytest.mark.parametrize("name", DISPARITIES)
def test_the_order_of_the_groups_says_nothing(name):
    rates = _random(5)
    order = torch.tensor([3, 0, 4, 1, 2])
    turned = Rates(*(field[..., order] for field in rates))
    found = find_disparity(name)(turned, 1)  # the group that was first
    torch.testing.assert_close(found, find_disparity(name)(rates, 0))


@pytest.mark.parametrize("name", DISPARITIES)
def test_gradients_are_those_of_finite_differences(name):
    rows = torch.tensor([10.0, 20.0, 5.0, 12.0], dtype=torch.float64)
    start = _random(4).value.clamp(min=0.01) * rows

    def of_numerators(numerator: Tensor) -> Tensor:
        return find_disparity(name)(Rates.of(numerator, rows.expand_as(numerator)), 2)

    spread = start + torch.arange(4) / 7
    assert torch.autograd.gradcheck(of_numerators, (spread.requires_grad_(),))


@pytest.mark.parametrize("name", DISPARITIES)
@pytest.mark.parametrize("value", [0.0, 0.5])
def test_nothing_defined_and_nothing_above_0_is_no_number_out_of_range(name, value):
    for defined in (torch.zeros(1, 1, 3, dtype=torch.bool), torch.ones(1, 1, 3, dtype=torch.bool)):
        numerator = torch.full((1, 1, 3), 10 * value).requires_grad_()
        rates = Rates.of(numerator, 10.0 * defined)
        found = find_disparity(name)(rates, 0)
        found.sum().backward()
        assert found.isfinite().all()
        assert numerator.grad is not None
        assert numerator.grad.isfinite().all()


@pytest.mark.parametrize(
    ("defined", "gradient"),
    [
        ([True, True, True], [-1.0, 1.0, 0.0]),
        ([True, False, True], [-1.0, 0.0, 1.0]),
        ([False, True, False], [0.0, 0.0, 0.0]),
        ([False, False, False], [0.0, 0.0, 0.0]),
    ],
)
def test_gradient_reaches_the_two_groups_that_differ_most(defined, gradient):
    value = torch.tensor([[[0.2, 0.9, 0.5]]], requires_grad=True)
    known = torch.tensor([[defined]])
    largest_difference(Rates(value, known, value, known.float())).sum().backward()
    assert value.grad is not None
    assert value.grad[0, 0].tolist() == gradient
