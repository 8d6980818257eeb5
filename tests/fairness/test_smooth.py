"""Smooth disparities: their bounds, their limits, and that nothing but gradients sees them."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.errors import ConfigError
from fairkd.fairness.constraint import Constraint
from fairkd.fairness.disparities import (
    average_absolute_difference,
    find_disparity,
    largest_difference,
)
from fairkd.fairness.dual import AugmentedLagrangian, Lagrangian, NuPI
from fairkd.fairness.names import DISPARITIES, SMOOTH
from fairkd.fairness.penalty import Penalty
from fairkd.fairness.smooth import find_smooth
from fairkd.fairness.statistics import Rates
from fairkd.models.features import ModelOutputs

every = pytest.mark.parametrize("name", SMOOTH)
RACE = Blocks.of({"race": ["a", "b", "c"]})


def _smooth(name: str, rates: Rates, sharpness: float) -> Tensor:
    smooth = find_smooth(name)
    assert smooth is not None
    return smooth.of(rates, torch.tensor(sharpness, dtype=rates.value.dtype))


def _random(groups: int, seed: int = 0) -> Rates:
    g = torch.Generator().manual_seed(seed)
    value = torch.rand(3, 4, groups, generator=g, dtype=torch.float64)
    defined = torch.rand(3, 4, groups, generator=g) > 0.3
    rows = torch.randint(1, 9, (3, 4, groups), generator=g) * defined
    return Rates.of(value * rows, rows.double())


def _power_mean(values: list[float], p: float) -> float:
    return math.pow(math.fsum(v**p for v in values) / len(values), 1 / p) if values else 0.0


def _mellow(values: list[float], beta: float) -> float:
    return math.log(math.fsum(math.exp(beta * v) for v in values) / len(values)) / beta


def _by_loop(name: str, values: list[float], overall: float, sharpness: float) -> float:
    if not values:
        return 0.0
    away = [v - overall for v in values]
    match name:
        case "smooth_largest_difference":
            turned = [-v for v in values]
            return _mellow(values, sharpness) + _mellow(turned, sharpness)
        case "smooth_largest_difference_to_overall":
            return _mellow(away + [-d for d in away], sharpness)
        case "smooth_worst_group":
            return 1 + _mellow([-v for v in values], sharpness)
        case "norm_largest_difference":
            pairs = itertools.combinations(values, 2)
            return _power_mean([abs(v - w) for v, w in pairs], sharpness)
    return _power_mean([abs(d) for d in away], sharpness)


@every
@pytest.mark.parametrize("sharpness", [1.0, 7.5])
@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_it_is_what_a_loop_says(name, groups, sharpness):
    rates = _random(groups, seed=groups)
    found = _smooth(name, rates, sharpness)
    assert found.shape == (3, 4)
    for s, k in itertools.product(range(3), range(4)):
        values = rates.value[s, k][rates.defined[s, k]].tolist()
        expected = _by_loop(name, values, float(rates.overall[s, k]), sharpness)
        assert float(found[s, k]) == pytest.approx(expected, abs=1e-12)


def _furthest_below(name: str, exact: Tensor, n: Tensor, sharpness: float) -> Tensor:
    """The stated bound on exact minus smooth."""
    n = n.clamp(min=1).double()
    match name:
        case "smooth_largest_difference":
            return 2 * n.log() / sharpness
        case "smooth_largest_difference_to_overall":
            return (2 * n).log() / sharpness
        case "smooth_worst_group":
            return n.log() / sharpness
        case "norm_largest_difference":
            return exact * (1 - (n * (n - 1) / 2).clamp(min=1).pow(-1 / sharpness))
    return exact * (1 - n.pow(-1 / sharpness))


@every
@pytest.mark.parametrize("sharpness", [1.0, 4.0, 20.0, 300.0])
def test_it_is_never_above_the_exact_one_and_as_near_as_it_says(name, sharpness):
    for seed in range(20):
        rates = _random(5, seed)
        exact = find_disparity(name)(rates, 0)
        below = exact - _smooth(name, rates, sharpness)
        assert (below >= -1e-12).all()
        n = rates.defined.sum(-1)
        assert (below <= _furthest_below(name, exact, n, sharpness) + 1e-12).all()
        assert _smooth(name, rates, sharpness).min() > -1e-12


@every
def test_it_comes_nearer_as_it_grows_sharper_until_it_is_the_exact_one(name):
    rates = _random(5)
    exact = find_disparity(name)(rates, 0)
    far = [(exact - _smooth(name, rates, s)).max() for s in (1.0, 5.0, 25.0, 125.0, 1e5)]
    assert all(near < further for further, near in itertools.pairwise(far))
    assert far[-1] < 1e-4
    assert far[0] > 0.05


@every
def test_alike_groups_have_no_disparity_and_no_gradient(name):
    numerator = torch.full((1, 1, 4), 8.0 if name == "smooth_worst_group" else 3.0)
    numerator = numerator.double().requires_grad_()
    rates = Rates.of(numerator, torch.full_like(numerator, 8.0))
    found = _smooth(name, rates, 9.0)
    assert float(found.detach()) == pytest.approx(0.0, abs=1e-15)
    (gradient,) = torch.autograd.grad(found.sum(), numerator)
    if name != "smooth_worst_group":  # which would have all of them better than perfect
        assert gradient.abs().max() < 1e-15
    assert gradient.isfinite().all()


@every
@pytest.mark.parametrize("value", [0.0, 0.5])
@pytest.mark.parametrize("present", [[], [1], [0, 2]])
def test_groups_that_are_undefined_leave_finite_zeros(name, value, present):
    rows = torch.zeros(1, 1, 3)
    rows[..., present] = 10.0
    numerator = (value * rows).requires_grad_()
    found = _smooth(name, Rates.of(numerator, rows), 50.0)
    found.sum().backward()
    assert numerator.grad is not None
    assert numerator.grad.isfinite().all()
    absent = [g for g in range(3) if g not in present]
    assert name.endswith("overall") or not numerator.grad[..., absent].any()
    if len(present) < 2 and name != "smooth_worst_group":
        assert float(found.detach()) == 0.0
        assert not numerator.grad.any()


@every
def test_the_order_of_the_groups_says_nothing(name):
    rates = _random(5)
    turned = Rates(*(field[..., torch.tensor([3, 0, 4, 1, 2])] for field in rates))
    torch.testing.assert_close(_smooth(name, turned, 6.0), _smooth(name, rates, 6.0))


@every
@pytest.mark.parametrize("sharpness", [1.5, 30.0])
def test_gradients_are_those_of_finite_differences(name, sharpness):
    rows = torch.tensor([10.0, 20.0, 5.0, 12.0], dtype=torch.float64)
    start = torch.tensor([0.1, 0.45, 0.62, 0.9], dtype=torch.float64).expand(2, 1, 4) * rows

    def of_numerators(numerator: Tensor) -> Tensor:
        return _smooth(name, Rates.of(numerator, rows.expand_as(numerator)), sharpness)

    assert torch.autograd.gradcheck(of_numerators, (start.clone().requires_grad_(),))


def test_every_group_is_pulled_where_the_exact_one_pulls_two():
    value = torch.tensor([[[0.2, 0.35, 0.7, 0.8]]], dtype=torch.float64, requires_grad=True)
    rates = Rates(value, torch.ones(1, 1, 4).bool(), value, torch.ones_like(value))
    for found, pulled in (
        (largest_difference(rates), [-1, 0, 0, 1]),
        (_smooth("smooth_largest_difference", rates, 10.0), [-1, -1, 1, 1]),
    ):
        (gradient,) = torch.autograd.grad(found.sum(), value)
        assert gradient.sign().flatten().tolist() == pulled


def test_a_power_of_1_is_the_average_absolute_difference():
    rates = _random(5)
    expected = average_absolute_difference(rates)
    torch.testing.assert_close(_smooth("norm_largest_difference", rates, 1.0), expected)


def test_tiny_differences_do_not_vanish_in_their_powers():
    value = torch.tensor([[[0.5, 0.5 + 1e-4, 0.5 + 2e-4]]])
    rates = Rates(value, torch.ones(1, 1, 3).bool(), value, torch.ones_like(value))
    assert float(_smooth("norm_largest_difference", rates, 40.0)) == pytest.approx(2e-4, rel=0.05)


def _rows() -> tuple[ModelOutputs, Batch]:
    g = torch.Generator().manual_seed(0)
    cell = torch.arange(40) % 3
    logits = torch.randn(40, 2, generator=g)
    logits[:, 1] += 0.5 * cell
    y = torch.randint(2, (40,), generator=g)
    batch = Batch(logits, y, torch.eye(3)[cell], torch.arange(40), torch.ones(40))
    return ModelOutputs(logits.requires_grad_(), {}), batch


def _makes(disparity: str, sharpness: float | None = None) -> list[Constraint]:
    shared = {"disparity": disparity, "threshold": 0.02, "sharpness": sharpness}
    duals = (Lagrangian, NuPI, AugmentedLagrangian)
    return [
        Penalty(RACE, **shared),
        *(dual(RACE, 2, weight=0.5, **shared) for dual in duals),
        *(dual(RACE, 2, weight=0.5, proxy=False, **shared) for dual in duals),
    ]


@every
def test_students_descend_on_the_smooth_one_and_all_else_is_about_the_exact_one(name):
    outputs, batch = _rows()
    now, validation = torch.tensor(1.0), torch.tensor(math.inf)
    decisions = torch.eye(2)[outputs.logits.argmax(1)]
    soft = outputs.logits.detach().softmax(1)
    for smooth, exact in zip(_makes(name, 4.0), _makes(SMOOTH[name]), strict=True):
        assert torch.equal(smooth.measured(decisions, batch), exact.measured(decisions, batch))
        rates = exact.rates(soft, batch)
        assert torch.equal(smooth.gaps(rates), exact.gaps(rates))
        assert torch.equal(smooth.descended(rates), _smooth(name, rates, 4.0))
        assert smooth(outputs, batch, now) < exact(outputs, batch, now)
        if not isinstance(smooth, Penalty):
            assert torch.equal(
                smooth(outputs, batch, validation), exact(outputs, batch, validation)
            )
            moved, expected = (c.stepped(outputs, batch, now, None)[1] for c in (smooth, exact))
            assert {k: v.tolist() for k, v in moved.items()} == {
                k: v.tolist() for k, v in expected.items()
            }


def test_a_penalty_is_what_the_smooth_one_exceeds_the_bound_by():
    outputs, batch = _rows()
    penalty = Penalty(RACE, disparity="smooth_largest_difference", threshold=0.02)
    rates = penalty.rates(outputs.logits.detach().softmax(1), batch)
    expected = float(_smooth("smooth_largest_difference", rates, 50.0)) - 0.02
    assert float(penalty(outputs, batch).detach()) == pytest.approx(expected, rel=1e-5)
    assert expected > 0.01


def test_sharpness_is_a_knob_of_smooth_disparities_alone():
    assert float(Penalty(RACE, disparity="norm_largest_difference").sharpness) == 8.0
    for disparity, sharpness, sentence in (
        (
            "largest_difference",
            5.0,
            "sharpness=5.0 has no effect: disparity=largest_difference is exact; leave the key "
            "out, or choose smooth_largest_difference, smooth_largest_difference_to_overall, "
            "smooth_worst_group, norm_largest_difference, norm_largest_difference_to_overall.",
        ),
        (
            "norm_largest_difference",
            0.5,
            "sharpness=0.5 is out of range; accepted: a number of at least 1.",
        ),
    ):
        with pytest.raises(ConfigError) as refused:
            Penalty(RACE, disparity=disparity, sharpness=sharpness)
        assert str(refused.value) == sentence


def test_the_words_of_smooth_disparities_are_those_there_are():
    for name in SMOOTH:
        smooth = find_smooth(name)
        assert smooth is not None
        assert smooth.of.__name__ == name
        assert find_disparity(name).__name__ == SMOOTH[name]
    assert not set(SMOOTH) & set(DISPARITIES)
    assert all(find_smooth(name) is None for name in DISPARITIES)
