"""Multipliers: their steps by hand, and optima of convex problems against SciPy."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.errors import ConfigError
from fairkd.fairness.dual import AugmentedLagrangian, Dual, Lagrangian, NuPI
from fairkd.models.features import ModelOutputs
from fairkd.models.probabilities import cross_entropy

SEX = Blocks.of({"sex": ["f", "m"]})
KINDS = (Lagrangian, NuPI, AugmentedLagrangian)
NOW, LATER, VALIDATION = (torch.tensor(epoch) for epoch in (0.0, 1.0, math.inf))


def _batch(y: list[int], cell: list[int]) -> Batch:
    rows = len(y)
    group = torch.eye(2)[torch.tensor(cell)]
    x = torch.zeros(rows, 1)
    return Batch(x, torch.tensor(y), group, torch.arange(rows), torch.ones(rows))


def _outputs(p: list[float]) -> ModelOutputs:
    positive = torch.tensor(p)
    return ModelOutputs(torch.stack([(1 - positive).log(), positive.log()], 1).requires_grad_(), {})


# Soft rates 0.6 and 0.3, hard ones 1 and 0.
BATCH = _batch([1, 0, 1, 0], [0, 0, 1, 1])
OUTPUTS = _outputs([0.6, 0.6, 0.3, 0.3])


def _advance(constraint: Dual, outputs: ModelOutputs, batch: Batch, epoch: Tensor) -> None:
    with torch.no_grad():
        _, state = constraint.stepped(outputs, batch, epoch, None)
    for name, value in state.items():
        constraint.get_buffer(name)
        setattr(constraint, name, value)


def _step(constraint: Dual, epoch: Tensor = NOW) -> float:
    _advance(constraint, OUTPUTS, BATCH, epoch)
    return float(constraint.multipliers)


@pytest.mark.parametrize("proxy", [True, False])
@pytest.mark.parametrize("kind", [Lagrangian, NuPI, AugmentedLagrangian])
def test_a_step_has_the_terms_value_and_gradient_and_a_state_without_any(
    kind: type[Dual], proxy: bool
):
    constraint = kind(SEX, 2, threshold=0.1, weight=2.0, running=0.5, proxy=proxy)
    _step(constraint)
    logits = OUTPUTS.logits.clone().requires_grad_()
    outputs = ModelOutputs(logits, {})
    alone = constraint(outputs, BATCH, NOW)
    value, state = constraint.stepped(outputs, BATCH, NOW, None)
    assert value.item() == alone.item() != 0.0
    gradients = [torch.autograd.grad(of, logits)[0] for of in (value, alone)]
    assert torch.equal(*gradients)
    assert state.keys() >= {"multipliers", "soft_sums", "hard_sums"}
    assert not any(tensor.requires_grad for tensor in state.values())


def test_every_multiplier_is_followed_as_it_was_when_asked():
    alone = Lagrangian(SEX, 2, threshold=0.1, weight=2.0, rate=0.5)
    before = alone.followed()
    _step(alone)
    assert {name: float(value) for name, value in before.items()} == {"multiplier": 2.0}
    assert float(alone.followed()["multiplier"]) == pytest.approx(2.45)
    several = Lagrangian(SEX, 2, statistic="equalized_odds", weight=2.0, rate=0.5)
    _advance(several, OUTPUTS, BATCH, NOW)
    found = {name: float(value) for name, value in several.followed().items()}
    assert found == {"multiplier/0": 2.5, "multiplier/1": 2.5}


def test_the_student_descends_on_soft_rates_and_multipliers_climb_on_hard_ones():
    constraint = Lagrangian(SEX, 2, threshold=0.1, weight=2.0, rate=0.5)
    assert float(constraint(OUTPUTS, BATCH, NOW).detach()) == pytest.approx(2.0 * (0.3 - 0.1))
    assert _step(constraint) == pytest.approx(2.0 + 0.5 * (1.0 - 0.1))
    without = Lagrangian(SEX, 2, threshold=0.1, weight=2.0, rate=0.5, proxy=False)
    assert _step(without) == pytest.approx(2.0 + 0.5 * (0.3 - 0.1))


@pytest.mark.parametrize("kind", KINDS)
def test_a_bound_that_holds_costs_nothing_and_multipliers_never_fall_below_0(kind):
    constraint = kind(SEX, 2, threshold=1.0, rate=0.5, proxy=False)
    logits = OUTPUTS.logits.detach().clone().requires_grad_()
    value = constraint(ModelOutputs(logits, {}), BATCH, NOW)
    value.backward()
    assert float(value.detach()) == 0.0
    assert logits.grad is not None
    assert not logits.grad.any()
    for epoch in (NOW, NOW, LATER):
        assert _step(constraint, epoch) == 0.0


def test_a_controller_answers_to_the_change_as_well():
    constraint = NuPI(SEX, 2, threshold=0.1, rate=0.5, proportional=2.0, proxy=False)
    first = _step(constraint)
    assert first == pytest.approx(0.5 * 0.2)  # no change is known yet
    wider = _outputs([0.9, 0.9, 0.3, 0.3])
    _advance(constraint, wider, BATCH, NOW)
    assert float(constraint.multipliers) == pytest.approx(first + 0.5 * (0.5 + 2.0 * (0.5 - 0.2)))


def test_a_smoothed_controller_by_its_recursion():
    knobs = {"threshold": 0.1, "rate": 1.0, "proxy": False}
    constraint = NuPI(SEX, 2, proportional=3.0, integral=0.5, smoothing=0.75, **knobs)
    multiplier, xi = 0.0, None
    for gap in (0.3, 0.5, 0.2, 0.4):
        outputs = _outputs([0.3 + gap, 0.3 + gap, 0.3, 0.3])
        _advance(constraint, outputs, BATCH, NOW)
        c = gap - 0.1
        before = c if xi is None else xi
        xi = 0.75 * before + 0.25 * c
        multiplier = max(0.0, multiplier + 0.5 * c + 3.0 * (xi - before))
        assert float(constraint.multipliers) == pytest.approx(multiplier, abs=1e-6)


def test_without_its_proportional_part_a_controller_is_the_lagrangian():
    plain = Lagrangian(SEX, 2, threshold=0.2, rate=0.3)
    controlled = NuPI(SEX, 2, threshold=0.2, rate=0.3, proportional=0.0)
    assert [_step(plain) for _ in range(4)] == [_step(controlled) for _ in range(4)]


def test_an_augmented_lagrangian_moves_once_an_epoch_and_sharpens():
    constraint = AugmentedLagrangian(SEX, 2, threshold=0.1, rate=1.5, growth=4.0, most=5.0,
                                     proxy=False)  # fmt: skip
    assert [_step(constraint) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert _step(constraint, LATER) == pytest.approx(1.5 * 0.2)  # the epoch's mean
    assert float(constraint.rho) == 5.0  # 6 is more than the most
    excess = 0.2
    expected = ((0.3 + 5 * excess) ** 2 - 0.3**2) / (2 * 5)
    assert float(constraint(OUTPUTS, BATCH, LATER).detach()) == pytest.approx(expected)


@pytest.mark.parametrize("kind", KINDS)
def test_running_rates_carry_a_group_that_a_batch_lacks(kind):
    constraint = kind(SEX, 2, threshold=0.0, weight=1.0, running=0.5, proxy=False)
    _advance(constraint, OUTPUTS, BATCH, NOW)
    women = _batch([1, 0], [0, 0])
    outputs = _outputs([0.9, 0.9])
    value = constraint(outputs, women, NOW)
    # The women's sum is 1.8 + 0.5 * 1.2 over 3 rows; the men's half of 0.6 over half of 2.
    gap = (1.8 + 0.6) / 3 - 0.3
    multiplier = float(constraint.multipliers)
    expected = multiplier * gap if kind is not AugmentedLagrangian else ((1 + gap) ** 2 - 1) / 2
    assert float(value.detach()) == pytest.approx(expected, rel=1e-5)
    value.backward()
    assert outputs.logits.grad is not None
    assert outputs.logits.grad.any()
    forgetful = kind(SEX, 2, threshold=0.0, weight=1.0, proxy=False)
    assert float(forgetful(outputs, women, NOW).detach()) == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_validation_asks_what_decisions_exceed_the_bound_by_whatever_the_multipliers(kind):
    values = [
        float(kind(SEX, 2, threshold=0.3, weight=weight)(OUTPUTS, BATCH, VALIDATION).detach())
        for weight in (0.0, 5.0)
    ]
    assert values == pytest.approx([100 * 0.7] * 2)
    assert float(kind(SEX, 2, threshold=1.0)(OUTPUTS, BATCH, VALIDATION).detach()) == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_one_multiplier_for_each_condition_and_class(kind):
    three = kind(SEX, 3, statistic="equalized_odds")
    assert three.multipliers.shape == (2, 3)
    assert kind(SEX, 2, statistic="equalized_odds").multipliers.shape == (2, 1)
    assert kind(SEX, 3, statistic="accuracy").multipliers.shape == (1, 1)


def _problem(seed: int) -> tuple[Batch, float]:
    g = torch.Generator().manual_seed(seed)
    cell = torch.arange(24) % 2
    y = (torch.rand(24, generator=g) < torch.where(cell == 0, 0.8, 0.3)).long()
    batch = _batch(y.tolist(), cell.tolist())
    soft = torch.where(y == 1, 0.9, 0.2)  # uncertain labels: an optimum inside
    return batch._replace(y=torch.stack([1 - soft, soft], 1)), float(0.1 * (seed + 1))


def _by_scipy(batch: Batch, threshold: float) -> tuple[float, float]:
    """The least mean cross-entropy over free probabilities under the bound, and its multiplier."""
    y, women = batch.y[:, 1].double().numpy(), batch.group[:, 0].numpy() > 0

    def loss(p: np.ndarray) -> float:
        return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())

    def least(bound: float) -> float:
        def room(p: np.ndarray) -> np.ndarray:
            gap = p[women].mean() - p[~women].mean()
            return np.array([bound - gap, bound + gap])

        found = minimize(
            loss,
            np.full(len(y), 0.5),
            bounds=[(1e-6, 1 - 1e-6)] * len(y),
            constraints={"type": "ineq", "fun": room},
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 1000},
        )
        return float(found.fun)

    # The multiplier is what a wider bound would save.
    return least(threshold), -(least(threshold + 1e-3) - least(threshold - 1e-3)) / 2e-3


@pytest.mark.parametrize(
    ("kind", "seed"),
    [
        pytest.param(kind, seed, marks=[pytest.mark.slow] if seed else [])
        for kind in KINDS
        for seed in range(3)
    ],
)
def test_convex_problems_reach_their_primal_and_dual_optimum(kind, seed):
    batch, threshold = _problem(seed)
    sharp = {"rate": 2.0, "most": 2.0} if kind is AugmentedLagrangian else {"rate": 0.05}
    constraint = kind(SEX, 2, threshold=threshold, proxy=False, **sharp)
    logits = torch.zeros(24, 2, requires_grad=True)
    optimizer = torch.optim.SGD([logits], lr=5.0)
    for step in range(2000):
        epoch = torch.tensor(float(step // 100))
        outputs = ModelOutputs(logits, {})
        optimizer.zero_grad()
        (cross_entropy(logits, batch.y).mean() + constraint(outputs, batch, epoch)).backward()
        _advance(constraint, outputs, batch, epoch)
        optimizer.step()
    loss, multiplier = _by_scipy(batch, threshold)
    assert float(cross_entropy(logits, batch.y).mean().detach()) == pytest.approx(loss, abs=1e-3)
    assert float(constraint.multipliers) == pytest.approx(multiplier, abs=1e-3)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Lagrangian(SEX, 2, rate=0.0), "rate=0.0 is out of range"),
        (lambda: Lagrangian(SEX, 2, running=1.0), "running=1.0 is out of range"),
        (lambda: NuPI(SEX, 2, smoothing=1.0), "smoothing=1.0 is out of range"),
        (lambda: AugmentedLagrangian(SEX, 2, growth=0.5), "growth=0.5 is out of range"),
        (lambda: Lagrangian(SEX, 2, reference="x"), "Unknown cell of sex in reference 'x'"),
    ],
)
def test_what_cannot_work_is_refused(make, sentence):
    with pytest.raises(ConfigError, match=sentence):
        make()
