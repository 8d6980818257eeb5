import math

import pytest
import torch
import torch.nn.functional as F

from fairkd.distillation.group_robust import GroupRobust
from fairkd.distillation.response import soft_targets
from fairkd.errors import ConfigError
from fairkd.models.features import ModelOutputs


def _losses(p, groups: slice, alpha: float, temperature: float) -> list[float | None]:
    rows = (1 - alpha) * F.cross_entropy(
        p.student.logits, p.batch.y, reduction="none"
    ) + alpha * temperature**2 * soft_targets(p.student.logits, p.teacher.logits, temperature)
    memberships = p.batch.group[:, groups]
    return [
        float(rows[memberships[:, g] == 1].mean()) if memberships[:, g].sum() else None
        for g in range(memberships.shape[1])
    ]


@pytest.mark.parametrize(("by", "columns"), [("sex", slice(0, 2)), ("race", slice(2, 5))])
def test_the_term_is_the_losses_under_raised_shares(pair, by, columns):
    p = pair(rows=6, seed=3)
    term = p.connect(GroupRobust(alpha=0.75, temperature=2.0, rate=0.5, by=by))
    losses = _losses(p, columns, 0.75, 2.0)
    equal, here = 1 / len(losses), [loss for loss in losses if loss is not None]
    total = sum(math.exp(0.5 * loss) for loss in here)
    shares = [
        equal if loss is None else equal * len(here) * math.exp(0.5 * loss) / total
        for loss in losses
    ]
    expected = sum(q * (loss or 0.0) for q, loss in zip(shares, losses, strict=True))
    assert float(p.value(term)) == pytest.approx(expected, rel=1e-7)
    advanced = term.advanced(p.student, p.teacher, p.batch, torch.tensor(0.0))
    torch.testing.assert_close(advanced["shares"], torch.tensor(shares).double(), rtol=1e-6, atol=0)
    assert float(term.shares.sum()) == pytest.approx(1)  # the step itself changed nothing


def test_over_many_steps_the_worst_group_counts_most(pair):
    p = pair(rows=30)
    term = p.connect(GroupRobust(rate=0.1, by="race"))
    for _ in range(200):
        for name, value in term.advanced(p.student, p.teacher, p.batch, torch.tensor(0.0)).items():
            setattr(term, name, value)
    losses = _losses(p, slice(2, 5), 0.9, 4.0)
    assert int(term.shares.argmax()) == max(range(3), key=lambda g: losses[g] or 0.0)
    assert float(term.shares.max()) > 0.95


def test_the_gradient_is_the_shares_weighted_one(pair):
    p = pair(rows=8)
    term = p.connect(GroupRobust(rate=0.0))
    logits = p.student.logits.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda z: term(ModelOutputs(z, {}), p.teacher, p.batch, torch.tensor(0.0)), (logits,)
    )


def test_an_unknown_block_is_refused(pair):
    with pytest.raises(ConfigError, match="Unknown group block 'age'"):
        pair().connect(GroupRobust(by="age"))


def test_row_weights_count_within_a_group_and_rows_without_one_do_not(pair):
    p = pair(rows=8)
    term = p.connect(GroupRobust())
    before = p.value(term)
    weight = torch.ones(8).double()
    weight[0] = 5.0
    p.batch = p.batch._replace(weight=weight)
    assert not torch.allclose(p.value(term), before)
    group = p.batch.group.clone()
    group[0] = 0
    without = p.batch._replace(group=group)
    kept = slice(1, None)
    fewer = term(
        p.student.rows(torch.arange(1, 8)), p.teacher.rows(torch.arange(1, 8)),
        p.batch.rows(kept), torch.tensor(0.0),
    )  # fmt: skip
    torch.testing.assert_close(term(p.student, p.teacher, without, torch.tensor(0.0)), fewer)
