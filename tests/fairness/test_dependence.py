"""What holds for every measure of dependence, as a term of the objective."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.errors import ConfigError
from fairkd.fairness.chi_square import ChiSquare
from fairkd.fairness.covariance import Covariance
from fairkd.fairness.dependence import Dependence
from fairkd.fairness.kernels import HSIC, MMD
from fairkd.fairness.mutual_information import PrejudiceRemover
from fairkd.fairness.wasserstein import Wasserstein
from fairkd.models.features import ModelOutputs

RACE = Blocks.of({"race": ["a", "b", "c"]})
TERMS: dict[str, Callable[[Blocks], Dependence]] = {
    "hsic": lambda blocks: HSIC(blocks),
    "hsic, fixed": lambda blocks: HSIC(blocks, bandwidth=0.3),
    "hsic by label": lambda blocks: HSIC(blocks, given="label"),
    "mmd": lambda blocks: MMD(blocks),
    "mmd by label": lambda blocks: MMD(blocks, given="label", bandwidth=0.2),
    "wasserstein": lambda blocks: Wasserstein(blocks),
    "wasserstein by label": lambda blocks: Wasserstein(blocks, given="label"),
    "covariance": lambda blocks: Covariance(blocks),
    "margin": lambda blocks: Covariance(blocks, of="margin"),
    "prejudice": lambda blocks: PrejudiceRemover(blocks),
    "chi square": lambda blocks: ChiSquare(blocks),
    "chi square, fixed": lambda blocks: ChiSquare(blocks, bandwidth=0.5, bins=20),
}
every_term = pytest.mark.parametrize("name", TERMS)


def _batch(group: Tensor, y: Tensor) -> Batch:
    rows = len(y)
    return Batch(torch.zeros(rows, 1), y, group, torch.arange(rows), torch.ones(rows))


def _random(rows: int = 31, classes: int = 2, seed: int = 0) -> tuple[Tensor, Batch]:
    """Logits, and rows whose group depends on them: some of two groups, some of none."""
    g = torch.Generator().manual_seed(seed)
    logits = torch.randn(rows, classes, generator=g, dtype=torch.float64)
    cell = (logits[:, 0] + torch.randn(rows, generator=g)).argsort().argsort() * 3 // rows
    group = torch.eye(3, dtype=torch.float64)[cell]
    group[::7] = 0.0
    group[3::7] = torch.tensor([0.25, 0.0, 0.75], dtype=torch.float64)
    return logits, _batch(group, torch.randint(classes, (rows,), generator=g))


def _value(name: str, logits: Tensor, batch: Batch, blocks: Blocks = RACE) -> float:
    return float(TERMS[name](blocks).double()(ModelOutputs(logits, {}), batch))


def _gradient(name: str, logits: Tensor, batch: Batch) -> tuple[float, Tensor]:
    logits = logits.clone().requires_grad_()
    value = TERMS[name](RACE).double()(ModelOutputs(logits, {}), batch)
    assert value.shape == ()
    (gradient,) = torch.autograd.grad(value, logits)
    return float(value.detach()), gradient


@every_term
@pytest.mark.parametrize("classes", [2, 3])
def test_a_step_down_the_gradient_makes_groups_more_alike(name, classes):
    logits, batch = _random(classes=classes)
    value, gradient = _gradient(name, logits, batch)
    assert value > 0.001
    small = 0.05 * value / float(gradient.square().sum())
    assert 0.9 < _value(name, logits - small * gradient, batch) / value < 0.99


@every_term
@pytest.mark.parametrize("classes", [2, 3])
def test_gradients_are_those_of_finite_differences(name, classes, monkeypatch):
    logits, batch = _random(11, classes)
    # Both are constants of the gradient, which finite differences do not know.
    monkeypatch.setattr("fairkd.fairness.kernels._median", lambda squared, rows: torch.tensor(0.09))
    monkeypatch.setattr("fairkd.fairness.chi_square._ends", _fixed_ends)
    term = TERMS[name](RACE).double()
    assert torch.autograd.gradcheck(
        lambda z: term(ModelOutputs(z, {}), batch), (logits.requires_grad_(),)
    )


def _fixed_ends(scaled: Tensor, *_: Tensor) -> tuple[Tensor, Tensor]:
    return torch.full_like(scaled[0], -3.0), torch.full_like(scaled[0], 3.0)


@every_term
@pytest.mark.parametrize("present", [[], [0], [2]])
def test_fewer_than_two_groups_are_worth_nothing(name, present):
    logits, batch = _random()
    group = torch.zeros_like(batch.group)
    for cell in present:
        group[2:9, cell] = 1.0
    value, gradient = _gradient(name, logits, batch._replace(group=group))
    assert value == 0.0
    assert torch.equal(gradient, torch.zeros_like(gradient))


@every_term
def test_a_block_of_one_cell_is_worth_nothing(name):
    logits, batch = _random()
    one = Blocks.of({"all": ["all"]})
    assert _value(name, logits, batch._replace(group=torch.ones(31, 1).double()), one) == 0.0


@every_term
def test_an_absent_group_leaves_the_others_as_they_are(name):
    logits, batch = _random()
    batch = batch._replace(group=batch.group * torch.tensor([1.0, 0.0, 1.0]))
    two = Blocks.of({"race": ["a", "c"]})
    alone = _value(name, logits, batch._replace(group=batch.group[:, [0, 2]]), two)
    assert _value(name, logits, batch) == pytest.approx(alone, rel=1e-12)


@every_term
@pytest.mark.parametrize("classes", [2, 3])
def test_rows_without_a_group_are_as_if_they_were_not_there(name, classes):
    logits, batch = _random(classes=classes)
    logits[0], logits[7] = 50.0 * torch.eye(classes)[0], -50.0 * torch.eye(classes)[0]  # outermost
    with_group = batch.group.sum(1) > 0
    value, gradient = _gradient(name, logits, batch)
    assert value == pytest.approx(
        _value(name, logits[with_group], batch.rows(with_group)), rel=1e-9
    )
    assert not gradient[~with_group].any()
    assert gradient[with_group].any()


@every_term
def test_order_of_rows_and_names_of_groups_are_without_meaning(name):
    logits, batch = _random()
    value = _value(name, logits, batch)
    order = torch.randperm(31, generator=torch.Generator().manual_seed(1))
    assert _value(name, logits[order], batch.rows(order)) == pytest.approx(value, rel=1e-12)
    turned = batch._replace(group=batch.group[:, [2, 0, 1]])
    assert _value(name, logits, turned) == pytest.approx(value, rel=1e-12)


@every_term
def test_two_half_members_of_two_groups_are_a_whole_one_of_each(name):
    logits, batch = _random()
    logits, batch = logits.repeat(2, 1), batch.rows(torch.arange(31).repeat(2))
    whole, half = batch.group.clone(), batch.group.clone()
    whole[5], whole[36] = torch.eye(3)[0], torch.eye(3)[1]
    half[5] = half[36] = torch.tensor([0.5, 0.5, 0.0])
    assert _value(name, logits, batch._replace(group=half)) == pytest.approx(
        _value(name, logits, batch._replace(group=whole)), rel=1e-12
    )


@every_term
def test_groups_of_different_sizes_but_one_distribution_are_independent(name):
    logits, _ = _random(8)
    logits = logits.repeat(6, 1)
    group = torch.eye(3, dtype=torch.float64)[torch.tensor([0, 1, 1, 2, 2, 2])].repeat_interleave(
        8, 0
    )
    batch = _batch(group, torch.arange(8).repeat(6) % 2)
    value, gradient = _gradient(name, logits, batch)
    assert value == pytest.approx(0.0, abs=1e-14)
    assert gradient.isfinite().all()


@every_term
@pytest.mark.parametrize("scale", [0.0, 1e4])
def test_equal_and_extreme_logits_stay_finite(name, scale):
    logits, batch = _random()
    value, gradient = _gradient(name, scale * logits, batch)
    assert -1e-15 < value < 10 * (scale + 0.1)
    assert gradient.isfinite().all()
    single = ModelOutputs((scale * logits).float().requires_grad_(), {})
    TERMS[name](RACE)(single, batch._replace(group=batch.group.float())).backward()
    assert single.logits.grad is not None
    assert single.logits.grad.isfinite().all()


@pytest.mark.parametrize("kind", [HSIC, MMD, Wasserstein])
def test_given_the_label_it_is_the_mean_over_labels_that_two_groups_have(kind):
    logits, batch = _random(classes=3)
    group = batch.group.clone()
    group[batch.y == 1, 1:] = 0.0  # of this label there is one group
    batch = batch._replace(group=group)
    outputs = ModelOutputs(logits, {})
    by_label = float(kind(RACE, given="label")(outputs, batch))
    alone = [
        float(kind(RACE)(outputs.rows(rows), batch.rows(rows)))
        for rows in (batch.y == 0, batch.y == 2)
    ]
    assert by_label == pytest.approx(sum(alone) / 2, rel=1e-12)
    soft = batch._replace(y=torch.eye(3, dtype=torch.float64)[batch.y])
    assert float(kind(RACE, given="label")(outputs, soft)) == pytest.approx(by_label, rel=1e-12)


@pytest.mark.parametrize("kind", [HSIC, MMD])
def test_many_rows_are_taken_in_parts(kind):
    logits, batch = _random(31)
    outputs = ModelOutputs(logits, {})
    values = [
        float(kind(RACE)(outputs.rows(rows), batch.rows(rows))) * len(rows)
        for rows in (torch.arange(part, 31, 4) for part in range(4))
    ]
    assert float(kind(RACE, most_rows=8)(outputs, batch)) == pytest.approx(
        sum(values) / 31, rel=1e-12
    )


def test_blocks_never_mix_and_the_weight_is_the_factor():
    logits, batch = _random()
    other = torch.eye(2, dtype=torch.float64)[torch.arange(31) % 2]
    both = batch._replace(group=torch.cat([other, batch.group], 1))
    blocks = Blocks.of({"sex": ["f", "m"], "race": ["a", "b", "c"]})
    term = Wasserstein(blocks, by="race", weight=2.5)
    alone = Wasserstein(RACE)(ModelOutputs(logits, {}), batch)
    assert torch.equal(term(ModelOutputs(logits, {}), both), alone)
    assert float(term.factor) == 2.5


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: MMD(RACE, by="sex"), "Unknown group block 'sex'. Accepted: race."),
        (
            lambda: HSIC(RACE, weight=-1),
            "weight=-1 is out of range; accepted: a number of at least 0.",
        ),
        (
            lambda: HSIC(RACE, bandwidth=0.0),
            "bandwidth=0.0 is out of range; accepted: a number above 0.",
        ),
        (lambda: MMD(RACE, given="race"), "given=race is not known; accepted: label."),
        (
            lambda: Covariance(RACE, of="logit"),
            "of=logit is not known; accepted: probability, margin.",
        ),
        (
            lambda: ChiSquare(RACE, bins=1),
            "bins=1 is out of range; accepted: a whole number of at least 2.",
        ),
    ],
)
def test_what_cannot_work_is_refused(make, sentence):
    with pytest.raises(ConfigError) as refused:
        make()
    assert str(refused.value) == sentence
