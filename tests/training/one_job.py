"""One small job, train to end: in this process (`train`), or as a script that saves the result."""

import sys
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.dataset import Dataset
from fairkd.distillation.feature import Hint
from fairkd.distillation.response import SoftTargets
from fairkd.fairness.penalty import Penalty
from fairkd.models.mlp import MLP
from fairkd.training.distil import Distillation, Recipe, train_on_labels, train_student
from fairkd.training.fit import TrainerSettings
from fairkd.training.inference import outputs_on
from fairkd.training.objective import Objective

BLOCKS = Blocks.of({"sex": ["f", "m"]})


def _split(rows: int, seed: int) -> Batch:
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 6, generator=g)
    group = torch.eye(2)[torch.randint(2, (rows,), generator=g)]
    y = (x[:, 0] + group[:, 0] + torch.randn(rows, generator=g) > 0).long()
    return Batch(x, y, group, torch.arange(rows), torch.ones(rows))


def dataset() -> Dataset:
    """Rows that neither two processes nor a batch size divide."""
    splits = {"train": _split(121, 0), "validation": _split(47, 1), "test": _split(20, 2)}
    return Dataset("tiny", splits, BLOCKS, ("no", "yes"), "tiny")


def train(seed: int = 3, dropout: float = 0.3) -> tuple[dict[str, Tensor], list[dict[str, float]]]:
    """Teacher and student with dropout, a hint and a penalty: the student's weights and epochs."""
    data = dataset()
    settings = TrainerSettings(
        partial(torch.optim.Adam, lr=0.02),
        max_epochs=3,
        batch_size=16,
        accelerator="cpu",
        progress="off",
    )
    wide = Recipe(lambda: MLP(6, 2, (16, 12), dropout=dropout), settings, seed + 1)
    teacher = train_on_labels(wide, data).model
    outputs = {
        name: outputs_on(teacher, split, ("hidden2",)) for name, split in data.splits.items()
    }

    def objective(start: object) -> Objective:
        return Objective(
            label_weight=0.2,
            terms={"soft": SoftTargets(0.8), "hint": Hint(1.0, "hidden1", "hidden2")},
            constraints={"parity": Penalty(BLOCKS)},
        )

    narrow = Recipe(lambda: MLP(6, 2, (8,), dropout=dropout), settings, seed)
    student = train_student(narrow, Distillation(objective), teacher, outputs, data)
    return student.model.state_dict(), student.fitted.history


if __name__ == "__main__":
    weights, history = train()
    torch.save({"weights": weights, "history": history}, Path(sys.argv[1]))
