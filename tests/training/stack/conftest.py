from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.dataset import Dataset
from fairkd.distillation.feature import Hint
from fairkd.distillation.response import SoftTargets
from fairkd.distillation.term import DistillationTerm
from fairkd.fairness.penalty import Penalty
from fairkd.models.mlp import MLP
from fairkd.training.fit import TrainerSettings
from fairkd.training.inference import outputs_on
from fairkd.training.objective import Objective
from fairkd.training.randomness import seeded
from fairkd.training.stack.member import Member

BLOCKS = Blocks.of({"sex": ["f", "m"], "race": ["a", "b", "c"]})
WIDTH = 11


def _split(rows: int, seed: int, classes: int) -> Batch:
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, WIDTH, generator=g)
    sex = torch.eye(2)[torch.randint(2, (rows,), generator=g)]
    race = torch.eye(3)[torch.randint(3, (rows,), generator=g)]
    sex[::9] = 0.0
    score = x[:, :classes] + torch.randn(rows, classes, generator=g)
    score[:, 0] += 0.8 * sex[:, 0]
    return Batch(
        x, score.argmax(1), torch.cat([sex, race], 1), torch.arange(rows), torch.ones(rows)
    )


@pytest.fixture(scope="session")
def dataset_of() -> Callable[..., Dataset]:
    """A data set by seed and number of classes, the same object for the same arguments."""
    made: dict[tuple[int, int], Dataset] = {}

    def of(seed: int = 0, classes: int = 2) -> Dataset:
        if (seed, classes) not in made:
            sizes = {"train": 230, "validation": 101, "test": 60}
            splits = {
                name: _split(rows, 10 * seed + place, classes)
                for place, (name, rows) in enumerate(sizes.items())
            }
            names = tuple("abcd"[:classes])
            made[seed, classes] = Dataset("line", splits, BLOCKS, names, f"line{seed}")
        return made[seed, classes]

    return of


@pytest.fixture
def member(dataset_of: Callable[..., Dataset]) -> Callable[..., Member]:
    """A student of a random teacher, with every knob within reach."""
    outputs: dict[tuple[int, int, int], Any] = {}

    def make(
        *,
        seed: int = 0,
        data: int = 0,
        teacher: int | None = 0,
        classes: int = 2,
        temperature: float = 4.0,
        alpha: float = 0.9,
        scaling: str = "squared",
        weight: float | None = 0.5,
        threshold: float = 0.0,
        statistic: str = "selection_rate",
        by: str = "sex",
        hint: float | None = None,
        term: DistillationTerm | None = None,
        pull: float | None = None,
        start_epoch: int = 0,
        hidden: tuple[int, ...] = (16,),
        dropout: float = 0.0,
        optimizer: Any = torch.optim.Adam,
        options: dict[str, Any] | None = None,
        model: Callable[[], nn.Module] | None = None,
        **settings: Any,
    ) -> Member:
        dataset = dataset_of(data, classes)
        with seeded(seed):
            network = model() if model else MLP(WIDTH, classes, hidden, dropout=dropout)
        terms: dict[str, Any] = {}
        theirs = None
        if teacher is not None:
            terms["soft_targets"] = SoftTargets(alpha, temperature, scaling)
            if hint is not None:
                terms["hint"] = Hint(hint, "hidden1", "hidden2")
            if term is not None:
                term.find_groups(BLOCKS)
                terms["other"] = term
            key = (teacher, data, classes)
            if key not in outputs:
                with seeded(100 + teacher):
                    big = MLP(WIDTH, classes, (24, 20))
                outputs[key] = {
                    split: outputs_on(big, dataset.splits[split], ("hidden2",))
                    for split in ("train", "validation")
                }
            theirs = outputs[key]
        constraints = (
            {}
            if weight is None
            else {
                "penalty": Penalty(
                    BLOCKS, by=by, statistic=statistic, threshold=threshold, weight=weight
                )
            }
        )
        objective = Objective(
            label_weight=1 - alpha if teacher is not None else 1.0,
            terms=terms,
            constraints=constraints,
            start_epoch=start_epoch,
            pull=pull or 0.0,
            start=None if pull is None else dict(network.named_parameters()),
        )
        if (hint is not None or term is not None) and theirs is not None:
            from fairkd.models.features import run

            few = dataset.splits["train"].x[:2]
            objective.connect(
                run(network, few, objective.student_features),
                theirs["train"].rows(torch.arange(2)),
                torch.Generator().manual_seed(seed),
            )
            objective.learn(theirs, dataset.splits)
        knobs = {
            "optimizer": partial(optimizer, **{"lr": 0.01, **(options or {})}),
            "max_epochs": 4,
            "batch_size": 64,
            "accelerator": "cpu",
            "progress": "off",
        }
        return Member(
            network, objective, TrainerSettings(**{**knobs, **settings}), seed, dataset, theirs
        )

    return make
