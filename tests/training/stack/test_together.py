"""What shares a stack, and what becomes of a stack that cannot be trained."""

import copy
import logging
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fairkd.data.augmentation import Noise
from fairkd.errors import FairkdError
from fairkd.training.distil import Trained
from fairkd.training.stack import module as stack_module
from fairkd.training.stack.footprint import member_bytes, most_members
from fairkd.training.stack.member import Member
from fairkd.training.stack.together import grouped, train_alone, train_stack, train_together

Make = Callable[..., Member]


class Noisy(nn.Linear):
    """Random numbers of its own, which a stack cannot draw."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x + torch.randn_like(x) if self.training else x)


class Branching(nn.Linear):
    """Python that looks at values, which a stack cannot run."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if x.sum() > 0 else -x)


class Normed(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Linear(11, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))


class Greedy(nn.Linear):
    """Runs out of memory beside more than two others."""

    largest = 0

    def forward(self, x: Tensor) -> Tensor:
        if torch._C._functorch.is_batchedtensor(x):
            stacked = torch._C._functorch.get_unwrapped(x).shape[0]
            if stacked > 3:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
            Greedy.largest = max(Greedy.largest, stacked)
        return super().forward(x)


def _plain(kind: type[nn.Module]) -> Callable[[], nn.Module]:
    return lambda: kind(11, 2)


@pytest.mark.parametrize(
    ("knobs", "reason"),
    [
        ({"lightning": {"accumulate_grad_batches": 2}}, "accumulate_grad_batches is set"),
        ({"precision": "bf16-mixed"}, "trainer.precision=bf16-mixed does not stack"),
        ({"devices": 2}, "several devices"),
        ({"augmentation": {"noise": Noise(0.1)}}, "its rows are augmented"),
        ({"optimizer": torch.optim.LBFGS}, "the optimiser LBFGS does not stack"),
        ({"model": Normed}, "its layer BatchNorm1d keeps a running state"),
        (
            {"model": lambda: nn.Sequential(nn.Linear(11, 2), nn.AlphaDropout(0.1))},
            "its layer AlphaDropout draws random numbers of its own",
        ),
    ],
)
def test_what_trains_alone_says_why(member: Make, knobs: dict[str, Any], reason: str) -> None:
    grouping = grouped([member(teacher=None, weight=None, seed=seed, **knobs) for seed in range(2)])
    assert grouping.stacks == []
    assert all(reason in told for told in grouping.alone.values())
    assert set(grouping.alone) == {0, 1}


def test_a_member_with_callbacks_trains_alone(member: Make) -> None:
    import dataclasses

    import pytorch_lightning as pl

    one = dataclasses.replace(member(), callbacks=[pl.Callback()])
    grouping = grouped([one, member(seed=1), member(seed=2)])
    assert grouping.stacks == [[1, 2]]
    assert grouping.alone == {0: "it has callbacks of its own"}


def test_stacks_are_as_large_as_allowed_and_of_one_size(member: Make) -> None:
    members = [member(seed=seed) for seed in range(7)]
    assert sorted(map(len, grouped(members, max_stack=3).stacks)) == [2, 2, 3]
    assert sorted(map(len, grouped(members, parts=2).stacks)) == [3, 4]
    fits = 2 * member_bytes(members[0])
    assert max(map(len, grouped(members, memory=fits).stacks)) <= 2
    assert grouped(members, memory=1).stacks == []
    assert most_members(members[0], 1) == 1


@pytest.mark.parametrize(
    ("kinds", "sizes"),
    [
        ([6], [3, 3]),  # one kind is cut for two processes
        ([6, 6], [6, 6]),  # each has one
        ([30, 30, 30], [15] * 6),  # nobody waits for whoever has two
        ([6, 6, 6], [6] * 3),  # but short ones cost more than the wait
        ([30, 2], [15, 15, 2]),
        ([6] * 4, [6] * 4),
    ],
    ids=str,
)
def test_a_kind_is_cut_where_two_processes_are_done_sooner_by_that(
    member: Make, kinds: list[int], sizes: list[int]
) -> None:
    members = [
        member(batch_size=32 + kind, seed=seed)
        for kind, count in enumerate(kinds)
        for seed in range(count)
    ]
    found = grouped(members, parts=2)
    assert sorted(map(len, found.stacks), reverse=True) == sizes
    assert found.alone == {}


def test_members_of_a_stack_took_equal_shares_of_its_seconds(member: Make) -> None:
    outcomes = train_together([member(seed=seed) for seed in range(3)])
    assert all(isinstance(outcome, Trained) for outcome in outcomes)
    seconds = {outcome.seconds for outcome in outcomes if isinstance(outcome, Trained)}
    assert len(seconds) == 1
    assert min(seconds) > 0


def test_members_that_read_the_same_batches_stand_together(member: Make) -> None:
    members = [member(seed=k % 2, temperature=1.0 + k) for k in range(8)]
    seeds = [[members[place].seed for place in stack] for stack in grouped(members, parts=2).stacks]
    assert seeds == [[0] * 4, [1] * 4]


@pytest.mark.parametrize("kind", [Noisy, Branching])
def test_a_model_that_does_not_run_in_a_stack_trains_one_by_one(
    member: Make, kind: type[nn.Module], caplog: pytest.LogCaptureFixture
) -> None:
    members = [member(model=_plain(kind), seed=seed) for seed in range(3)]
    alone = [train_alone(copy.deepcopy(one)) for one in members]
    with caplog.at_level(logging.WARNING):
        together = train_together(members)
    assert "3 models train one by one: its model does not run in a stack" in caplog.text
    for ours, theirs in zip(together, alone, strict=True):
        assert isinstance(ours, Trained)
        assert isinstance(theirs, Trained)
        assert ours.together == 1
        assert torch.equal(ours.model.weight, theirs.model.weight)


def test_exact_and_fast_members_share_no_stack(member: Make) -> None:
    members = [replace(member(seed=seed), exact=seed < 2) for seed in range(5)]
    assert sorted(map(sorted, grouped(members).stacks)) == [[0, 1], [2, 3, 4]]


def test_a_stack_that_rounds_differently_is_refused_unless_fast(
    member: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Batched products of these shapes do round differently: the members' own are left out.
    monkeypatch.setattr(stack_module, "MembersLinear", lambda x, own: nullcontext())
    members = [member(seed=seed) for seed in range(3)]
    with caplog.at_level(logging.WARNING):
        exact = train_stack(copy.deepcopy(members))
    assert "in a stack its kernels round differently" in caplog.text
    fast = train_stack([replace(one, exact=False) for one in copy.deepcopy(members)])
    for one, other in zip(exact, fast, strict=True):
        assert isinstance(one, Trained)
        assert isinstance(other, Trained)
        assert (one.together, other.together) == (1, 3)


def test_a_stack_without_memory_is_halved(member: Make) -> None:
    members = [member(model=_plain(Greedy), seed=seed) for seed in range(8)]
    together = train_stack(members)
    assert Greedy.largest == 2
    assert [one.together for one in together if isinstance(one, Trained)] == [2] * 8


def test_what_goes_wrong_alone_is_handed_back(member: Make) -> None:
    class Broken(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            if self.training:
                raise KeyError("nothing here")
            return super().forward(x)

    (outcome, healthy) = train_together([member(model=_plain(Broken)), member()])
    assert isinstance(outcome, KeyError)
    assert isinstance(healthy, Trained)


def test_progress_counts_epochs_of_members(member: Make) -> None:
    seen: list[int] = []
    members = [member(seed=s) for s in range(3)] + [member(hidden=(4,))]
    train_together(members, progress=seen.append)
    assert sum(seen) == 4 * 4


def test_an_unknown_monitor_is_each_members_error(member: Make) -> None:
    for outcome in train_stack([member(seed=s, monitor="val/nothing") for s in range(2)]):
        assert isinstance(outcome, FairkdError)
        assert "val/nothing" in str(outcome)


def test_a_monitor_that_is_never_a_number(member: Make) -> None:
    # No row of the split belongs to a group: the disparity is undefined in every epoch.
    members = [member(seed=s, monitor="val/accuracy_difference/sex") for s in range(2)]
    for one in members:
        one.dataset.splits["validation"].group.zero_()
    for outcome in train_stack(members):
        assert "was never a number on validation" in str(outcome)


def test_options_that_are_no_numbers_of_the_optimiser_differ_too(member: Make) -> None:
    members = [
        member(seed=0, options={"betas": (0.9, 0.99)}),
        member(seed=1, options={"betas": (0.5, 0.9), "eps": 1e-6, "amsgrad": True}),
    ]
    alone = [train_alone(copy.deepcopy(one)) for one in members]
    for ours, theirs in zip(train_stack(members), alone, strict=True):
        assert isinstance(ours, Trained)
        assert isinstance(theirs, Trained)
        assert ours.together == 2
        for name, value in theirs.model.state_dict().items():
            assert torch.equal(value, ours.model.state_dict()[name])


def test_the_makers_partial_is_what_counts(member: Make) -> None:
    wrapped = member(optimizer=partial(torch.optim.Adam, eps=1e-7))
    assert grouped([wrapped, member(optimizer=partial(torch.optim.Adam, eps=1e-7))]).stacks
