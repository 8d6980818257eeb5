"""Train a student on two processes (Lightning starts the second); each writes what it saw."""

import os
import runpy
import sys
from functools import partial
from pathlib import Path

import pytorch_lightning as pl
import torch

from fairkd.data.batch import Batch
from fairkd.distillation.response import SoftTargets
from fairkd.fairness.penalty import Penalty
from fairkd.models.mlp import MLP
from fairkd.training.distil import Distillation, Recipe, train_student
from fairkd.training.fit import TrainerSettings
from fairkd.training.inference import outputs_on
from fairkd.training.objective import Objective


class Rows(pl.Callback):
    """The training rows of this process, step by step."""

    def __init__(self) -> None:
        self.steps: list[list[int]] = []

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Batch, batch_idx: int
    ) -> None:
        self.steps.append(batch.index.tolist())


def main(folder: Path) -> None:
    """Write ``<rank>.pt``."""
    dataset = runpy.run_path(str(Path(__file__).with_name("one_job.py")))["dataset"]()
    settings = TrainerSettings(
        partial(torch.optim.Adam, lr=0.02),
        max_epochs=2,
        batch_size=16,
        evaluation_batch_size=23,  # 24 rows here and 23 there
        monitor="val/accuracy",
        mode="max",
        accelerator="cpu",
        devices=2,
        progress="off",
        lightning={"strategy": "ddp"},
    )
    rows = Rows()
    recipe = Recipe(lambda: MLP(6, 2, (8,)), settings, 3, callbacks=lambda: [rows])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        teacher = MLP(6, 2, (16,))
    outputs = {name: outputs_on(teacher, split) for name, split in dataset.splits.items()}

    def objective(start: object) -> Objective:
        return Objective(
            label_weight=0.5,
            terms={"soft": SoftTargets(0.5)},
            constraints={"parity": Penalty(dataset.blocks)},
        )

    student = train_student(recipe, Distillation(objective), teacher, outputs, dataset)
    seen = {
        "weights": student.model.state_dict(),
        "history": student.fitted.history,
        "best": student.fitted.best_epoch,
        "steps": rows.steps,
    }
    torch.save(seen, folder / f"{os.environ.get('LOCAL_RANK', '0')}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
