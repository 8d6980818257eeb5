"""Fair mixup: slopes by hand and by finite differences, and pairs that follow from the rows."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.errors import ConfigError
from fairkd.fairness.fair_mixup import FairMixup, fair_mixup, scattered
from fairkd.models.features import ModelOutputs, run
from fairkd.models.mlp import MLP

RACE = Blocks.of({"race": ["a", "b", "c"]})
FIRST, SECOND, VALIDATION = (torch.tensor(epoch) for epoch in (0.0, 1.0, math.inf))


def _batch(rows: int = 30, seed: int = 0) -> Batch:
    g = torch.Generator().manual_seed(seed)
    cell = torch.randint(3, (rows,), generator=g)
    x = torch.randn(rows, 4, generator=g, dtype=torch.float64)
    x[:, 0] += cell
    group = torch.eye(3, dtype=torch.float64)[cell]
    group[::7] = 0.0
    index = torch.randperm(10 * rows, generator=g)[:rows]
    return Batch(x, torch.zeros(rows).long(), group, index, torch.ones(rows))


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)).double()


def _term(model: nn.Module, batch: Batch, epoch: Tensor = FIRST, **knobs: int) -> Tensor:
    value: Tensor = FairMixup(RACE, **knobs)(run(model, batch.x), batch, epoch, model)
    return value


@pytest.mark.parametrize("sizes", [[24, 24, 24], [12, 24, 36], [36, 0, 36]])
def test_of_a_linear_score_it_is_the_gap_of_the_groups_means(sizes):
    # Sizes that divide the number of rows: each row of a group is taken equally often.
    cell = np.repeat([0, 1, 2], sizes)
    g = torch.Generator().manual_seed(0)
    x = torch.randn(72, 3, generator=g, dtype=torch.float64)
    slope = torch.tensor([[1.0], [-2.0], [0.5]], dtype=torch.float64)
    means = [float((x[cell == c] @ slope).mean()) for c in range(3) if sizes[c]]
    expected = np.mean([abs(a - b) for i, a in enumerate(means) for b in means[:i]])
    members = torch.eye(3, dtype=torch.float64)[torch.from_numpy(cell)]
    found = fair_mixup(lambda x: x @ slope, x, members, _keys(72))
    assert float(found) == pytest.approx(float(expected), rel=1e-10)


def _keys(rows: int) -> Tensor:
    return scattered(torch.arange(rows), FIRST)


def test_two_rows_slope_is_that_of_finite_differences():
    ends = torch.tensor([[0.3, -1.0], [1.2, 0.4]], dtype=torch.float64)
    members = torch.eye(2, dtype=torch.float64)

    def score(x: Tensor) -> Tensor:
        return (x[:, :1] * x[:, 1:]).sin()

    keys = _keys(2)
    t = float(keys.sum() % (2**31 - 1)) / (2**31 - 1)
    if keys[1] < keys[0]:
        t = 1 - t  # the path begins at the row of the smaller key
    step = 1e-6
    here, there = (score(ends[:1] + s * (ends[1:] - ends[:1])) for s in (t - step, t + step))
    expected = abs(float(there - here)) / (2 * step)
    assert float(fair_mixup(score, ends, members, keys)) == pytest.approx(expected, rel=1e-6)


def test_averaged_over_epochs_it_bounds_the_gap_of_the_groups_mean_scores(model):
    # The slope's integral is the gap where every row of a group is taken once.
    batch = _batch(40)
    batch = batch._replace(group=torch.eye(3, dtype=torch.float64)[torch.arange(40) % 2])
    p = model(batch.x).softmax(1)[:, 1].detach()
    gap = float((p[::2].mean() - p[1::2].mean()).abs())
    slopes = [float(_term(model, batch, torch.tensor(float(e))).detach()) for e in range(200)]
    assert len(set(slopes)) == 200
    assert gap - 1e-3 < np.mean(slopes) < 3 * gap


def test_gradients_reach_the_students_parameters(model):
    batch = _batch(12)
    parameters = dict(model.named_parameters())
    weights = tuple(parameters.values())

    def value(*given: Tensor) -> Tensor:
        tensors = dict(zip(parameters, given, strict=True))

        def student(x: Tensor) -> Tensor:
            found: Tensor = torch.func.functional_call(model, tensors, x)
            return found

        found: Tensor = FairMixup(RACE)(ModelOutputs(student(batch.x), {}), batch, FIRST, student)
        return found

    assert torch.autograd.gradcheck(value, weights)


def test_pairs_and_place_follow_from_rows_and_epoch_alone(model):
    batch = _batch()
    value = float(_term(model, batch).detach())
    assert value > 0.01
    assert float(_term(model, batch).detach()) == value
    order = torch.randperm(30, generator=torch.Generator().manual_seed(3))
    assert float(_term(model, batch.rows(order)).detach()) == pytest.approx(value, rel=1e-12)
    turned = batch._replace(group=batch.group[:, [2, 0, 1]])
    assert float(_term(model, turned).detach()) == pytest.approx(value, rel=1e-12)
    assert float(_term(model, batch, SECOND).detach()) != value
    assert float(_term(model, batch, VALIDATION).detach()) != value


def test_rows_without_a_group_and_absent_groups_take_no_part(model):
    batch = _batch()
    changed = batch.x.clone()
    changed[::7] = 100.0
    without = float(_term(model, batch._replace(x=changed)).detach())
    assert without == float(_term(model, batch).detach())
    two = batch._replace(group=batch.group * torch.tensor([1.0, 0.0, 1.0]))
    blocks = Blocks.of({"race": ["a", "c"]})
    alone = two._replace(group=two.group[:, [0, 2]])
    outputs = run(model, batch.x)
    of_two = FairMixup(blocks)(outputs, alone, FIRST, model)
    assert float(_term(model, two).detach()) == pytest.approx(float(of_two.detach()), rel=1e-12)


@pytest.mark.parametrize("present", [[], [1]])
def test_fewer_than_two_groups_are_worth_nothing(model, present):
    batch = _batch()
    group = torch.zeros_like(batch.group)
    for cell in present:
        group[3:9, cell] = 1.0
    value = _term(model, batch._replace(group=group))
    value.backward()
    assert float(value.detach()) == 0.0
    for parameter in model.parameters():
        assert parameter.grad is not None
        assert not parameter.grad.any()
    one = Blocks.of({"all": ["all"]})
    lone = batch._replace(group=torch.ones(30, 1).double())
    assert float(FairMixup(one)(run(model, batch.x), lone, FIRST, model).detach()) == 0.0


def test_uncertain_rows_stand_in_both_groups_by_their_share():
    x = torch.tensor([[0.0], [0.0], [1.0], [1.0]], dtype=torch.float64).repeat(100, 1)
    members = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.5, 0.5], [0.0, 1.0]]).double().repeat(100, 1)
    # Means: 0 and 0 and half of 1, over 2: 1/4; likewise 3/4.
    found = fair_mixup(lambda x: x, x, members, _keys(400))
    assert float(found) == pytest.approx(0.5, abs=0.02)


def test_many_rows_are_mixed_in_parts_and_images_are_rows_too(model):
    batch = _batch(30)
    values = [
        float(_term(model, batch.rows(rows)).detach()) * len(rows)
        for rows in (torch.arange(part, 30, 4) for part in range(4))
    ]
    found = float(_term(model, batch, most_rows=8).detach())
    assert found == pytest.approx(sum(values) / 30, rel=1e-12)
    image = nn.Sequential(nn.Conv2d(1, 2, 2), nn.Flatten(), nn.Linear(2, 2)).double()
    pixels = batch._replace(x=batch.x.reshape(30, 1, 2, 2))
    assert float(_term(image, pixels).detach()) > 0


def test_scattered_numbers_are_different_and_in_another_order_in_every_epoch():
    index = torch.arange(50_000)
    first, second = scattered(index, FIRST), scattered(index, SECOND)
    for keys in (first, second):
        assert len(keys.unique()) == 50_000
        assert int(keys.min()) >= 0
        assert int(keys.max()) < 2**31 - 1
        assert abs(np.corrcoef(keys, index)[0, 1]) < 0.02
        assert abs(np.corrcoef(keys[1:], keys[:-1])[0, 1]) < 0.02
        assert float(keys.double().mean()) / 2**31 == pytest.approx(0.5, abs=0.01)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.02


def test_without_a_student_or_with_rows_that_cannot_be_mixed_it_is_refused(model):
    batch = _batch()
    term = FairMixup(RACE)
    with pytest.raises(ConfigError, match="asks the student about mixed rows"):
        term(run(model, batch.x), batch, FIRST)
    words = batch._replace(x=torch.ones(30, 4).long())
    outputs = ModelOutputs(torch.zeros(30, 2), {})
    with pytest.raises(ConfigError, match="it takes features that are floating point"):
        term(outputs, words, FIRST, MLP(4, 2, (3,)))
