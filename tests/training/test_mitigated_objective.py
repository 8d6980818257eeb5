"""What mitigations do to the objective."""

import pytest
import torch
import torch.nn.functional as F

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.distillation.response import SoftTargets, soft_targets
from fairkd.errors import ConfigError
from fairkd.fairness.group_dro import GroupDRO
from fairkd.fairness.penalty import Penalty
from fairkd.fairness.reweighing import Reweighing
from fairkd.fairness.tail import CVaR
from fairkd.models.features import ModelOutputs
from fairkd.training.objective import Objective

SEX = Blocks.of({"sex": ["f", "m"]})
NOW = torch.tensor(0.0)


def _case(rows: int = 40) -> tuple[ModelOutputs, ModelOutputs, Batch]:
    g = torch.Generator().manual_seed(0)
    sex = torch.randint(2, (rows,), generator=g)
    y = (torch.rand(rows, generator=g) < 0.3 + 0.4 * sex).long()
    group = torch.eye(2).double()[sex]
    group[::9] = 0.0
    batch = Batch(
        torch.zeros(rows, 1).double(), y, group, torch.arange(rows), torch.ones(rows).double()
    )
    student = ModelOutputs(torch.randn(rows, 2, generator=g).double().requires_grad_(), {})
    return student, ModelOutputs(torch.randn(rows, 2, generator=g).double(), {}), batch


def test_reweighing_weighs_labels_and_soft_targets_but_no_constraint():
    student, teacher, batch = _case()
    penalty = Penalty(SEX, weight=0.5)
    objective = Objective(
        label_weight=0.25,
        terms={"soft": SoftTargets(0.75, 2.0)},
        constraints={"parity": penalty},
        mitigations={"reweighing": Reweighing(SEX, 2)},
    ).double()
    objective.learn({"train": teacher}, {"train": batch})
    weights = torch.ones(batch.size).double()
    for g in range(2):
        for c in range(2):
            here = (batch.group[:, g] == 1) & (batch.y == c)
            known = batch.group.sum(1) > 0
            n_g, n_y = batch.group[:, g].sum(), ((batch.y == c) & known).sum()
            weights[here] = (n_g * n_y / (known.sum() * here.sum())).double()
    value = objective(student, teacher, batch, NOW)
    rows = 0.25 * F.cross_entropy(student.logits, batch.y, reduction="none")
    rows = rows + 0.75 * 4 * soft_targets(student.logits, teacher.logits, 2.0)
    expected = (rows * weights).sum() / weights.sum() + 0.5 * penalty(student, batch)
    torch.testing.assert_close(value.total, expected, rtol=1e-6, atol=0)
    judged = objective(student, teacher, batch, torch.tensor(torch.inf))
    torch.testing.assert_close(judged.total, value.total)  # epochs are compared under the same
    plain = objective(student, teacher, batch._replace(group=0 * batch.group), NOW)
    assert not torch.allclose(value.total, plain.total)


def test_the_weights_of_the_rows_themselves_stay():
    student, teacher, batch = _case()
    objective = Objective(mitigations={"reweighing": Reweighing(SEX, 2)}).double()
    own = torch.linspace(0.5, 2.0, batch.size).double()
    nobody = batch._replace(weight=own, group=torch.zeros_like(batch.group))
    value = objective(student, teacher, nobody, NOW)
    rows = F.cross_entropy(student.logits, batch.y, reduction="none")
    torch.testing.assert_close(value.total, (rows * own).sum() / own.sum())


def test_worst_rows_stand_in_for_the_mean_of_labels_alone():
    student, teacher, batch = _case()
    objective = Objective(
        label_weight=0.25,
        terms={"soft": SoftTargets(0.75, 2.0)},
        mitigations={"cvar_dro": CVaR(0.25)},
    ).double()
    value = objective(student, teacher, batch, NOW)
    rows = F.cross_entropy(student.logits, batch.y, reduction="none")
    worst = rows.sort(descending=True).values[:10].mean()
    torch.testing.assert_close(value.terms["labels"], worst)
    soft = 4 * soft_targets(student.logits, teacher.logits, 2.0).mean()
    torch.testing.assert_close(value.total, 0.25 * worst + 0.75 * soft)


def test_a_loss_of_labels_that_weigh_nothing_is_refused():
    Objective(label_weight=0.0, start_epoch=1, mitigations={"cvar_dro": CVaR()})
    with pytest.raises(ConfigError) as refused:
        Objective(label_weight=0.0, mitigations={"cvar_dro": CVaR()})
    assert str(refused.value) == (
        "mitigation=cvar_dro is about the loss with the labels, which weighs nothing here; give "
        "distillation.label_weight above 0, or choose another distillation."
    )


def test_shares_of_groups_advance_by_the_weights_of_the_objective():
    student, _, batch = _case()
    dro = GroupDRO(SEX, 2, of="group", rate=0.5)
    objective = Objective(mitigations={"group_dro": dro, "reweighing": Reweighing(SEX, 2)}).double()
    objective.learn({}, {"train": batch})
    weighed = batch._replace(weight=objective.mitigations["reweighing"].factors(batch, NOW))
    losses = F.cross_entropy(student.logits, batch.y, reduction="none")
    value, state = objective.stepped(student, None, batch, NOW)
    (name, shares), *others = state.items()
    assert name == "mitigations.group_dro.shares"
    assert others == []
    assert torch.equal(shares, dro.advanced(student, weighed, NOW)["shares"])
    assert torch.equal(value.total, objective(student, None, batch, NOW).total)
    torch.testing.assert_close(value.total, dro.aggregated(losses, weighed, NOW))


def test_a_name_that_a_mitigation_takes_is_taken():
    with pytest.raises(ConfigError, match="The name 'labels' is used twice in the objective"):
        Objective(mitigations={"labels": Reweighing(SEX, 2)})
    with pytest.raises(ConfigError, match="The name 'parity' is used twice in the objective"):
        Objective(constraints={"parity": Penalty(SEX)}, mitigations={"parity": Reweighing(SEX, 2)})
