"""Students that differ in their knobs train at once, through the same objective."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.distillation.feature import Hint
from fairkd.distillation.response import SoftTargets
from fairkd.fairness.penalty import Penalty
from fairkd.models.features import ModelOutputs, run
from fairkd.models.mlp import MLP
from fairkd.training.objective import Objective

BLOCKS = Blocks.of({"sex": ["f", "m"], "race": ["a", "b", "c"]})

MEMBERS: list[dict[str, Any]] = [
    {"alpha": 0.9, "temperature": 4.0, "scaling": "squared", "hint": 1.0, "parity": 0.0,
     "threshold": 0.0, "start_epoch": 0, "pull": 0.1, "seed": 0},
    {"alpha": 0.5, "temperature": 1.5, "scaling": "none", "hint": 0.1, "parity": 2.0,
     "threshold": 0.02, "start_epoch": 1, "pull": 0.7, "seed": 1},
    {"alpha": 0.1, "temperature": 20.0, "scaling": "squared", "hint": 0.0, "parity": 0.5,
     "threshold": 0.9, "start_epoch": 2, "pull": 0.01, "seed": 2},
]  # fmt: skip


def _batch(seed: int) -> Batch:
    g = torch.Generator().manual_seed(seed)
    sex, race = (torch.eye(n)[torch.randint(n, (12,), generator=g)] for n in (2, 3))
    return Batch(
        x=torch.randn(12, 4, generator=g).double(),
        y=torch.randint(2, (12,), generator=g),
        group=torch.cat([sex, race], 1).double(),
        index=torch.arange(12),
        weight=torch.rand(12, generator=g).double(),
    )


def _models(seed: int) -> tuple[MLP, MLP]:
    torch.manual_seed(seed)
    return MLP(4, 2, [5]).double(), MLP(4, 2, [6, 7]).double()


def _objective(knobs: dict[str, Any], student: MLP, teacher: MLP, batch: Batch) -> Objective:
    objective = Objective(
        label_weight=1 - knobs["alpha"],
        terms={
            "soft_targets": SoftTargets(knobs["alpha"], knobs["temperature"], knobs["scaling"]),
            "hint": Hint(knobs["hint"], "hidden1", "hidden2"),
        },
        constraints={
            "parity": Penalty(
                BLOCKS, by="race", threshold=knobs["threshold"], weight=knobs["parity"]
            ),
            "opportunity": Penalty(BLOCKS, statistic="equalized_odds", weight=0.4),
            "accuracy": Penalty(BLOCKS, statistic="accuracy", weight=0.1),
        },
        start_epoch=knobs["start_epoch"],
        pull=knobs["pull"],
        start={name: p + 0.1 for name, p in student.named_parameters()},
    ).double()
    ours, theirs = run(student, batch.x, ("hidden1",)), run(teacher, batch.x, ("hidden2",))
    objective.connect(ours, theirs, torch.Generator().manual_seed(knobs["seed"]))
    return objective


@pytest.mark.parametrize("epoch", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("soft_labels", [False, True])
def test_a_stack_is_its_members(epoch, soft_labels):
    """Other temperatures, weights, thresholds, starts, projections, students, batches, teachers."""
    students, teachers, objectives, batches = [], [], [], []
    for member in MEMBERS:
        student, teacher = _models(seed=10 + member["seed"])
        batch = _batch(seed=member["seed"])
        students.append(student)
        teachers.append(teacher)
        objectives.append(_objective(member, student, teacher, batch))
        batches.append(batch)
    if soft_labels:
        batches = [b._replace(y=F.one_hot(b.y, 2).double() * 0.8 + 0.1) for b in batches]
    with torch.no_grad():
        theirs = [run(t, b.x, ("hidden2",)) for t, b in zip(teachers, batches, strict=True)]

    alone = []
    for student, objective, teacher, batch in zip(
        students, objectives, theirs, batches, strict=True
    ):
        parameters = dict(student.named_parameters())
        outputs = run(student, batch.x, ("hidden1",))
        value = objective(outputs, teacher, batch, torch.tensor(epoch), parameters)
        trained = {
            **parameters,
            **{n: p for n, p in objective.named_parameters() if p.requires_grad},
        }
        gradients = torch.autograd.grad(value.total, list(trained.values()))
        alone.append((value, dict(zip(trained, gradients, strict=True))))

    student_parameters, student_buffers = stack_module_state(students)  # type: ignore[arg-type]
    objective_parameters, objective_buffers = stack_module_state(objectives)  # type: ignore[arg-type]
    student, objective = students[0], objectives[0]

    def member(weights, own, buffers, teacher, batch):
        outputs = run(_Called(student, weights), batch.x, ("model.hidden1",))
        outputs = ModelOutputs(outputs.logits, {"hidden1": outputs.features["model.hidden1"]})
        now = torch.tensor(epoch)
        return functional_call(objective, (own, buffers), (outputs, teacher, batch, now, weights))

    stacked_teacher = ModelOutputs(
        torch.stack([t.logits for t in theirs]),
        {"hidden2": torch.stack([t.features["hidden2"] for t in theirs])},
    )
    stacked_batch = Batch(*(torch.stack(fields) for fields in zip(*batches, strict=True)))
    value = torch.vmap(member)(
        student_parameters, objective_parameters, objective_buffers, stacked_teacher, stacked_batch
    )
    trained = {
        **student_parameters,
        **{n: p for n, p in objective_parameters.items() if p.requires_grad},
    }
    gradients = dict(
        zip(trained, torch.autograd.grad(value.total.sum(), list(trained.values())), strict=True)
    )

    assert student_buffers == {}
    assert value.total.shape == (3,)
    for k, (expected, expected_gradients) in enumerate(alone):
        _close(value.total[k], expected.total)
        assert list(value.terms) == list(expected.terms)
        for name in expected.terms:
            _close(value.terms[name][k], expected.terms[name])
            _close(value.weights[name][k], expected.weights[name])
        assert set(gradients) == set(expected_gradients)
        for name, gradient in expected_gradients.items():
            _close(gradients[name][k], gradient)
    # The members do differ, and the projections and students do learn.
    assert len(set(value.total.tolist())) == 3
    assert all(g.abs().sum() > 0 for name, g in gradients.items() if not name.startswith("terms"))


def _close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


class _Called(nn.Module):
    """A model with other weights, whose layers can be recorded."""

    def __init__(self, model: nn.Module, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.model = model
        self._weights = weights

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = functional_call(self.model, self._weights, (x,))
        return out
