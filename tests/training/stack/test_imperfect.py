"""Corrected groups and soft labels train in a stack as they do alone."""

import copy
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from fairkd.data.blocks import Blocks
from fairkd.data.dataset import Dataset
from fairkd.data.imperfect import Imperfect
from fairkd.data.imperfect_groups import imperfect_groups
from fairkd.data.imperfect_labels import imperfect_labels
from fairkd.fairness.constraint import Constraint
from fairkd.fairness.dual import Lagrangian
from fairkd.fairness.penalty import Penalty
from fairkd.training.distil import Trained
from fairkd.training.stack.member import Member
from fairkd.training.stack.together import train_alone, train_stack

FLAWS = {
    "smoothed": Imperfect(label_smoothing=0.2, known_groups=0.3),
    "guessed": Imperfect(known_groups=0.3, proxy="logistic_regression"),
    "corrected": Imperfect(
        flipped_groups=0.2, group_flip_rate=0.2, flipped_labels=0.1, label_flip_rate=0.1
    ),
}


def flawed(dataset: Dataset, flaws: Imperfect) -> Dataset:
    train = dataset.splits["train"]
    random = np.random.default_rng(0)
    group = imperfect_groups(train.group.numpy(), dataset.blocks, flaws, random, train.x.numpy())
    y = imperfect_labels(train.y.numpy(), len(dataset.classes), flaws, random)
    changed = train._replace(y=torch.from_numpy(y), group=torch.from_numpy(group))
    return replace(
        dataset,
        splits={**dataset.splits, "train": changed},
        blocks=Blocks(dataset.blocks.blocks, corrected=flaws.group_flip_rate > 0),
    )


def bound(kind: str, blocks: Blocks, place: int) -> Constraint:
    knobs = {"threshold": 0.02 + 0.1 * place, "weight": 0.2 + 0.3 * place}
    if kind == "penalty":
        return Penalty(blocks, "sex", "equalized_odds", **knobs)
    return Lagrangian(blocks, 2, by="race", running=0.9, **knobs)


@pytest.mark.parametrize("kind", ["penalty", "lagrangian"])
@pytest.mark.parametrize("name", FLAWS)
def test_a_stack_is_its_members(
    member: Callable[..., Member], dataset_of: Callable[..., Dataset], name: str, kind: str
) -> None:
    data = {place: flawed(dataset_of(seed=place), FLAWS[name]) for place in (0, 1)}
    members = [
        replace(member(seed=place, weight=None), dataset=data[place % 2]) for place in range(3)
    ]
    for place, one in enumerate(members):
        one.objective.constraints["bound"] = bound(kind, one.dataset.blocks, place)
    alone = [train_alone(copy.deepcopy(one)) for one in members]
    for ours, theirs in zip(train_stack(members), alone, strict=True):
        assert isinstance(ours, Trained)
        assert isinstance(theirs, Trained)
        assert ours.together == 3
        for path, value in theirs.model.state_dict().items():
            assert torch.isfinite(value).all()
            assert torch.equal(ours.model.state_dict()[path], value), path
