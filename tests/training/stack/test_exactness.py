"""A member of a stack ends with the bits it would have ended with alone."""

import copy
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import pytest
import torch

from fairkd.errors import FairkdError
from fairkd.training.distil import Trained
from fairkd.training.stack.likeness import likeness
from fairkd.training.stack.member import Member
from fairkd.training.stack.together import grouped, train_alone, train_stack

Make = Callable[..., Member]


def _grid(**values: Sequence[Any]) -> list[dict[str, Any]]:
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]


def _same(ours: Trained | FairkdError, alone: Trained | FairkdError) -> None:
    assert isinstance(ours, Trained)
    assert isinstance(alone, Trained)
    for name, value in alone.model.state_dict().items():
        assert torch.equal(ours.model.state_dict()[name], value), name
    assert ours.fitted.best_epoch == alone.fitted.best_epoch
    assert ours.steps == alone.steps
    # repr tells -0.0 from 0.0 and has NaN equal itself.
    assert [{k: repr(v) for k, v in row.items()} for row in ours.fitted.history] == [
        {k: repr(row[k]) for k in ours.fitted.history[0]} for row in alone.fitted.history
    ]


def _check(members: Sequence[Member]) -> list[Trained | FairkdError]:
    """Train copies alone and the members in one stack; every bit agrees."""
    assert len({likeness(member) for member in members}) == 1
    alone = [train_alone(copy.deepcopy(member)) for member in members]
    together = train_stack(members)
    for ours, theirs in zip(together, alone, strict=True):
        _same(ours, theirs)
        assert isinstance(ours, Trained)
        assert ours.together == len(members)
    return together


def test_every_stackable_knob_at_once(member: Make) -> None:
    grid = _grid(
        seed=[0, 1],
        data=[0, 3],
        temperature=[1, 4.0],
        weight=[0.0, 0.7],
        options=[{"lr": 0.01}, {"lr": 0.03, "weight_decay": 0.01}],
    )
    more = [
        {"alpha": 0.3, "threshold": 0.1, "start_epoch": 2, "teacher": 1, "scaling": "none"},
        {"alpha": 1.0, "threshold": 0.5, "options": {"lr": 0.02, "betas": (0.8, 0.99)}},
    ]
    together = _check([member(**knobs) for knobs in (*grid, *more)])
    finals = {repr(t.fitted.history[-1]) for t in together if isinstance(t, Trained)}
    assert len(finals) == len(grid) + len(more)  # they do differ from one another


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        (torch.optim.Adam, {"fused": True, "weight_decay": 1e-3}),
        (torch.optim.AdamW, {"weight_decay": 0.1}),
        (torch.optim.AdamW, {"fused": True, "amsgrad": True}),
        (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
        (torch.optim.SGD, {"momentum": 0.9, "fused": True, "weight_decay": 1e-2}),
        (torch.optim.RMSprop, {"momentum": 0.5}),
    ],
    ids=["adam-fused", "adamw", "adamw-fused", "sgd", "sgd-fused", "rmsprop"],
)
def test_optimisers(member: Make, optimizer: Any, options: dict[str, Any]) -> None:
    _check(
        [
            member(seed=seed, optimizer=optimizer, options={**options, "lr": lr})
            for seed, lr in ((0, 0.01), (1, 0.02), (2, 0.02))
        ]
    )


def test_clipping_takes_each_members_own_norm(member: Make) -> None:
    members = [
        member(seed=seed, weight=weight, gradient_clip_val=0.2, options={"lr": 0.05})
        for seed, weight in ((0, 0.0), (1, 3.0), (2, 30.0))
    ]
    _check(members)


def test_early_stopping_and_the_best_epoch_are_each_members_own(member: Make) -> None:
    members = [
        member(
            seed=k,
            max_epochs=30,
            patience=2,
            options={"lr": lr},
            monitor="val/accuracy",
            mode="max",
        )
        for k, lr in enumerate((0.3, 0.1, 0.03, 0.003, 0.001, 0.0001))
    ]
    together = _check(members)
    lengths = {len(t.fitted.history) for t in together if isinstance(t, Trained)}
    assert len(lengths) >= 3  # the stack grew smaller more than once


@pytest.mark.parametrize("classes", [3, 4])
def test_many_classes(member: Make, classes: int) -> None:
    _check(
        [
            member(classes=classes, seed=s, temperature=t, statistic="equalized_odds", by="race")
            for s, t in ((0, 1.0), (1, 2.0), (1, 8.0))
        ]
    )


def test_teachers_and_controls_over_seeds_with_dropout(member: Make) -> None:
    _check(
        [
            member(teacher=None, weight=None, seed=seed, hidden=(16, 12), dropout=0.5)
            for seed in range(5)
        ]
    )


def test_a_trained_projection_and_a_pull_to_the_start(member: Make) -> None:
    _check(
        [
            member(seed=seed, hint=hint, pull=pull, gradient_clip_val=1.0)
            for seed, hint, pull in ((0, 0.5, 0.0), (1, 1.0, 0.1), (2, 2.0, 0.01))
        ]
    )


def test_double_precision(member: Make) -> None:
    _check([member(seed=s, temperature=t, precision="64-true") for s, t in ((0, 1.0), (1, 4.0))])


def test_several_threads(member: Make) -> None:
    _check([member(seed=s, hidden=(64,), threads=2) for s in range(3)])


@pytest.mark.parametrize("batch_size", [pytest.param(7, marks=pytest.mark.slow), 50, 64])
@pytest.mark.parametrize("hidden", [(3,), (10,), (5, 17), (32, 9, 6)])
def test_shapes_that_lie_askew_in_memory(
    member: Make, hidden: tuple[int, ...], batch_size: int
) -> None:
    _check(
        [
            member(seed=s, hidden=hidden, batch_size=batch_size, classes=3, temperature=t)
            for s, t in ((0, 1.0), (1, 4.0), (1, 2.0), (2, 2.0))
        ]
    )


def test_a_batch_of_one_row_and_batches_that_divide(member: Make) -> None:
    _check([member(seed=s, batch_size=229) for s in range(2)])
    _check([member(seed=s, batch_size=115) for s in range(2)])


def test_a_member_that_diverges_fails_alone(member: Make) -> None:
    healthy = [member(seed=seed) for seed in range(3)]
    alone = [train_alone(copy.deepcopy(one)) for one in healthy]
    sick = member(seed=7, options={"lr": 1e30})
    reason = train_alone(copy.deepcopy(sick))
    together = train_stack([healthy[0], sick, healthy[1], healthy[2]])
    assert isinstance(reason, FairkdError)
    assert str(together[1]) == str(reason)
    assert "diverged in epoch" in str(together[1])
    for ours, theirs in zip([together[0], together[2], together[3]], alone, strict=True):
        _same(ours, theirs)


def test_members_of_another_shape_do_not_share_a_stack(member: Make) -> None:
    members = [
        member(seed=0),
        member(seed=1),
        member(hidden=(8,)),
        member(hidden=(8,), seed=1),
        member(teacher=None, weight=None),
        member(batch_size=32),
    ]
    grouping = grouped(members)
    assert sorted(grouping.stacks) == [[0, 1], [2, 3]]
    assert set(grouping.alone) == {4, 5}
