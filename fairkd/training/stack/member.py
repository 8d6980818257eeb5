"""One model of a stack, ready to train."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from fairkd.data.batch import Batch
from fairkd.data.dataset import Dataset
from fairkd.evaluation.certificate import Certifier
from fairkd.fairness.mitigation import Opponent
from fairkd.models.features import ModelOutputs, run
from fairkd.training.balance import Balance
from fairkd.training.fit import TrainerSettings
from fairkd.training.objective import Objective
from fairkd.training.opposing import opposed


@dataclass(frozen=True)
class Member:
    """An untrained model with everything that its training needs.

    Attributes:
        model: at its initial weights; after training at those of its best epoch.
        objective: what it minimises, connected.
        settings: how it trains.
        seed: of its batch order, and of dropout.
        dataset: prepared splits.
        teacher: the teacher's outputs on ``train`` and ``validation``; ``None`` without a teacher.
        live: the trained teacher itself, for a student whose rows are augmented; left as it is.
        callbacks: the user's own Lightning callbacks; a member that has any trains alone.
        certifier: tests its epochs at the end; ``None`` where nothing is certified.
        balance: how its last layer is retrained at the end; ``None`` leaves it.
        exact: it ends with the bits it would have alone; ``False`` lets a stack round differently.
    """

    model: nn.Module
    objective: Objective
    settings: TrainerSettings
    seed: int
    dataset: Dataset
    teacher: Mapping[str, ModelOutputs] | None = None
    live: nn.Module | None = None
    callbacks: Sequence[pl.Callback] = ()
    certifier: Certifier | None = None
    balance: Balance | None = None
    exact: bool = True


class Stepped(NamedTuple):
    """What one batch makes of a `Step`, before any gradient.

    Attributes:
        total: what is minimised, shape ``[]``.
        terms: its named terms, shape ``[]`` each.
        state: of terms, constraints and mitigations after the step, by its name in the `Step`;
            mostly there is none.
        opponents: see `fairkd.training.objective.ObjectiveValue`.
    """

    total: Tensor
    terms: dict[str, Tensor]
    state: dict[str, Tensor]
    opponents: dict[str, Opponent]


class Step(nn.Module):
    """A model and its objective as one module, so that one call can be given all their tensors.

    Args:
        model: maps ``x`` to logits.
        objective: what is minimised.
    """

    def __init__(self, model: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.model = model
        self.objective = objective

    def forward(self, batch: Batch, teacher: ModelOutputs | None, epoch: Tensor) -> "Stepped":
        """The objective of one batch, and what follows from it."""
        outputs = run(self.model, batch.x, self.objective.student_features)
        pulled = dict(self.model.named_parameters()) if len(self.objective.start) else None
        value, after = self.objective.stepped(outputs, teacher, batch, epoch, pulled, self.model)
        state = {f"objective.{name}": tensor for name, tensor in after.items()}
        return Stepped(value.total, value.terms, state, value.opponents)


def trained_names(step: nn.Module) -> list[str]:
    """The parameters that training changes, the model's before the objective's."""
    return [name for name, value in step.named_parameters() if value.requires_grad]


def of_student(step: nn.Module) -> list[str]:
    """Those of `trained_names` that are the model's: the first ones."""
    return [name for name in trained_names(step) if name.startswith("model.")]


def lone_gradients(
    step: Step, batch: Batch, teacher: ModelOutputs | None, epoch: Tensor
) -> list[Tensor | None]:
    """The gradient of a member that trains alone, in the order of `trained_names`."""
    stepped: Stepped = step(batch, teacher, epoch)
    named = dict(step.named_parameters())
    trained = [named[name] for name in trained_names(step)]
    keep = bool(stepped.opponents)
    gradients: list[Tensor | None] = list(
        torch.autograd.grad(stepped.total, trained, allow_unused=True, retain_graph=keep)
    )
    for opponent in stepped.opponents.values():
        own = len(of_student(step))
        theirs = torch.autograd.grad(opponent.loss, trained[:own], allow_unused=True)
        gradients[:own] = opposed(gradients[:own], theirs, opponent.weight)
    return gradients
