import math

import pytest
import torch
import torch.nn.functional as F

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.errors import ConfigError
from fairkd.fairness.group_dro import GroupDRO
from fairkd.fairness.mitigations import Mitigations
from fairkd.fairness.tail import CVaR
from fairkd.models.features import ModelOutputs

BLOCKS = Blocks.of({"sex": ["f", "m"], "race": ["a", "b", "c"]})
NOW, JUDGING = torch.tensor(0.0), torch.tensor(torch.inf)


def _batch(rows: int = 24, seed: int = 0) -> tuple[ModelOutputs, Batch]:
    g = torch.Generator().manual_seed(seed)
    sex = torch.eye(2)[torch.randint(2, (rows,), generator=g)]
    race = torch.eye(3)[torch.randint(3, (rows,), generator=g)]
    sex[::7] = 0.0
    batch = Batch(
        torch.zeros(rows, 1).double(), torch.randint(2, (rows,), generator=g),
        torch.cat([sex, race], 1).double(), torch.arange(rows),
        torch.rand(rows, generator=g).double() + 0.5,
    )  # fmt: skip
    return ModelOutputs(torch.randn(rows, 2, generator=g).double(), {}), batch


def _losses(outputs: ModelOutputs, batch: Batch) -> torch.Tensor:
    return F.cross_entropy(outputs.logits, batch.y, reduction="none")


def _means(losses: torch.Tensor, batch: Batch, of: str) -> list[float | None]:
    """Weighted mean losses of f and m, or of f0, f1, m0, m1, row by row."""
    found = []
    for g in range(2):
        for labels in ((0, 1),) if of == "group" else ((0,), (1,)):
            rows = [
                i for i in range(batch.size) if batch.group[i, g] == 1 and int(batch.y[i]) in labels
            ]
            weight = sum(float(batch.weight[i]) for i in rows)
            total = sum(float(batch.weight[i] * losses[i]) for i in rows)
            found.append(total / weight if rows else None)
    return found


@pytest.mark.parametrize("of", ["group", "group_and_label"])
def test_groups_count_by_shares_that_the_batch_raises(of):
    outputs, batch = _batch()
    dro = GroupDRO(BLOCKS, 2, of=of, rate=0.5).double()
    losses = _losses(outputs, batch)
    means = [mean for mean in _means(losses, batch, of) if mean is not None]
    grown = [math.exp(0.5 * mean) for mean in means]
    shares = [g / sum(grown) for g in grown]
    expected = sum(q * mean for q, mean in zip(shares, means, strict=True))
    assert float(dro.aggregated(losses, batch, NOW)) == pytest.approx(expected, rel=1e-6)
    after = dro.advanced(outputs, batch, NOW)["shares"]
    torch.testing.assert_close(after, torch.tensor(shares).double(), rtol=1e-6, atol=0)
    assert float(dro.aggregated(losses, batch, JUDGING)) == pytest.approx(max(means), rel=1e-6)


def test_an_absent_group_keeps_its_share_and_contributes_nothing():
    outputs, batch = _batch()
    dro = GroupDRO(BLOCKS, 2, rate=0.3, of="group").double()
    dro.shares = torch.tensor([0.7, 0.3]).double()
    women = batch.group[:, 0] == 1
    rows = batch.rows(women)
    losses = _losses(outputs, batch)[women]
    mean = (losses * rows.weight).sum() / rows.weight.sum()
    torch.testing.assert_close(dro.aggregated(losses, rows, NOW), 0.7 * mean)
    seen = ModelOutputs(outputs.logits[women], {})
    assert torch.equal(dro.advanced(seen, rows, NOW)["shares"], dro.shares)


def test_rows_of_unknown_group_contribute_nothing():
    outputs, batch = _batch()
    dro = GroupDRO(BLOCKS, 2).double()
    losses = _losses(outputs, batch).requires_grad_()
    unknown = batch.group[:, :2].sum(1) == 0
    (gradient,) = torch.autograd.grad(dro.aggregated(losses, batch, NOW), losses)
    assert unknown.any()
    assert (gradient[unknown] == 0).all()
    assert (gradient[~unknown] > 0).all()
    nobody = batch._replace(group=torch.zeros_like(batch.group))
    value = dro.aggregated(losses, nobody, NOW)
    (gradient,) = torch.autograd.grad(value, losses)
    assert float(value.detach()) == 0.0
    assert (gradient == 0).all()
    assert float(dro.aggregated(losses.detach(), nobody, JUDGING)) == 0.0


def test_order_and_names_say_nothing():
    outputs, batch = _batch()
    losses = _losses(outputs, batch)
    dro = GroupDRO(BLOCKS, 2, rate=1.0).double()
    value = dro.aggregated(losses, batch, NOW)
    order = torch.randperm(24, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(dro.aggregated(losses[order], batch.rows(order), NOW), value)
    swapped = batch._replace(group=batch.group[:, [1, 0, 2, 3, 4]])
    torch.testing.assert_close(dro.aggregated(losses, swapped, NOW), value)


def test_the_gradient_is_that_of_finite_differences():
    outputs, batch = _batch()
    dro = GroupDRO(BLOCKS, 2, rate=0.0, by="race").double()  # raised shares move with the losses
    losses = _losses(outputs, batch).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: dro.aggregated(x, batch, NOW), (losses,))
    assert torch.autograd.gradcheck(lambda x: dro.aggregated(x, batch, JUDGING), (losses,))


def test_uncertain_groups_count_by_their_shares():
    outputs, batch = _batch()
    losses = _losses(outputs, batch)
    dro = GroupDRO(BLOCKS, 2, of="group", rate=0.0).double()
    uncertain = batch._replace(group=torch.full_like(batch.group, 0.5))
    mean = (losses * batch.weight).sum() / batch.weight.sum()
    torch.testing.assert_close(dro.aggregated(losses, uncertain, NOW), mean)


def test_what_cannot_work_is_refused():
    with pytest.raises(ConfigError, match="rate=-1 is out of range; accepted: a number of"):
        GroupDRO(BLOCKS, 2, rate=-1)
    with pytest.raises(ConfigError, match="of=rows is not known; accepted: group, group_and_label"):
        GroupDRO(BLOCKS, 2, of="rows")
    with pytest.raises(ConfigError) as refused:
        Mitigations({"group_dro": GroupDRO(BLOCKS, 2), "cvar_dro": CVaR()})
    assert str(refused.value) == (
        "mitigation=[group_dro,cvar_dro] makes one number of the labels' losses in 2 ways; choose "
        "one of them."
    )
