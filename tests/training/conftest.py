from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.dataset import Dataset
from fairkd.distillation.feature import Hint
from fairkd.distillation.response import SoftTargets
from fairkd.fairness.penalty import Penalty
from fairkd.models.features import ModelOutputs
from fairkd.models.mlp import MLP
from fairkd.training.distil import Distillation, Recipe
from fairkd.training.fit import TrainerSettings
from fairkd.training.inference import outputs_on
from fairkd.training.objective import Objective

BLOCKS = Blocks.of({"sex": ["f", "m"], "race": ["a", "b", "c"]})


def _split(rows: int, seed: int) -> Batch:
    """Noisy labels that follow a line, groups in order (small batches lack some), a few missing."""
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 4, generator=g)
    sex = torch.eye(2)[torch.arange(rows) * 2 // rows]
    race = torch.eye(3)[torch.arange(rows) * 3 // rows]
    sex[::9] = 0.0
    y = (x[:, 0] + 0.7 * sex[:, 0] + 0.8 * torch.randn(rows, generator=g) > 0).long()
    return Batch(x, y, torch.cat([sex, race], 1), torch.arange(rows), torch.ones(rows))


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return Dataset(
        name="line",
        splits={
            "train": _split(90, 0),
            "validation": _split(47, 1),
            "test": _split(30, 2),
        },
        blocks=BLOCKS,
        classes=("no", "yes"),
        fingerprint="line",
    )


@pytest.fixture
def settings() -> Callable[..., TrainerSettings]:
    """Quick settings; any of them can be changed."""

    def make(lr: float = 0.05, sgd: bool = False, **changed: Any) -> TrainerSettings:
        kind = torch.optim.SGD if sgd else torch.optim.Adam
        knobs = {
            "optimizer": partial(kind, lr=lr),
            "max_epochs": 3,
            "batch_size": 32,
            "accelerator": "cpu",
            "progress": "off",
        }
        return TrainerSettings(**{**knobs, **changed})

    return make


@pytest.fixture
def recipe(settings: Callable[..., TrainerSettings]) -> Callable[..., Recipe]:
    """A small perceptron's recipe."""

    def make(
        seed: int = 0, hidden: tuple[int, ...] = (8,), dropout: float = 0.0, **changed: Any
    ) -> Recipe:
        return Recipe(
            build=lambda: MLP(4, 2, hidden, dropout=dropout),
            settings=settings(**changed),
            seed=seed,
        )

    return make


@pytest.fixture(scope="session")
def teacher(dataset: Dataset) -> MLP:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return MLP(4, 2, (12, 10)).eval()


@pytest.fixture(scope="session")
def teacher_outputs(dataset: Dataset, teacher: MLP) -> dict[str, ModelOutputs]:
    return {
        split: outputs_on(teacher, dataset.splits[split], ("hidden2",))
        for split in ("train", "validation")
    }


@pytest.fixture
def distillation() -> Callable[..., Distillation]:
    """Soft targets, a hint and a penalty."""

    def make(from_teacher: bool = False, **changed: Any) -> Distillation:
        return Distillation(
            objective=lambda start: Objective(
                label_weight=0.3,
                terms={
                    "soft_targets": SoftTargets(0.7, 2.0),
                    "hint": Hint(0.5, "hidden1", "hidden2"),
                },
                constraints={"parity": Penalty(BLOCKS, weight=0.5)},
                start=start,
                **changed,
            ),
            from_teacher=from_teacher,
        )

    return make
