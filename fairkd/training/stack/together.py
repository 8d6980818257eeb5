"""Train many models: alike ones in stacks, the rest one by one."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fairkd.training.candidates import certify
from fairkd.training.distil import Trained, live_teacher
from fairkd.training.fit import ended, fit, make_trainer, steps_per_epoch, surroundings
from fairkd.training.modules import ClassifierModule, StudentModule
from fairkd.training.stack.footprint import most_members
from fairkd.training.stack.likeness import likeness, obstacle
from fairkd.training.stack.member import Member
from fairkd.training.stack.module import CannotStackError, StackModule, is_out_of_memory

log = logging.getLogger(__name__)

Outcome = Trained | Exception
MAX_STACK = 64
"""So many models a stack at most: beyond that, nothing is gained by sharing."""
_MEMBERS_OF_OVERHEAD = 7  # what a stack takes as a whole, as many small members would add to it


def _unheard(_epochs: int) -> None:
    """Progress that nobody follows."""


@dataclass(frozen=True)
class Grouping:
    """Which members train together.

    Attributes:
        stacks: places of members that share a stack, at least two each.
        alone: for every other place, the reason.
    """

    stacks: list[list[int]]
    alone: dict[int, str]


def grouped(
    members: Sequence[Member],
    *,
    max_stack: int = MAX_STACK,
    memory: int | None = None,
    parts: int = 1,
) -> Grouping:
    """Sort members into stacks.

    Args:
        members: in any order.
        max_stack: most members of one stack.
        memory: bytes that one stack may take; ``None`` is half of what is free now.
        parts: how many processes share the stacks. The members of a kind are cut into up to as
            many stacks of about one size where all are done sooner by that.
    """
    alone: dict[int, str] = {}
    kinds: dict[object, list[int]] = {}
    for place, member in enumerate(members):
        reason = obstacle(member)
        if reason is not None:
            alone[place] = reason
        else:
            kinds.setdefault(likeness(member), []).append(place)
    fitting: list[tuple[list[int], int]] = []
    for places in kinds.values():
        if len(places) == 1:
            alone[places[0]] = "no other job is like it"
            continue
        # Members that read the same batches stand together.
        places.sort(key=lambda place: (id(members[place].dataset), members[place].seed))
        largest = min(max_stack, most_members(members[places[0]], memory))
        fitting.append((places, largest))
    stacks = _shared(fitting, parts)
    for stack in [stack for stack in stacks if len(stack) == 1]:
        stacks.remove(stack)
        alone[stack[0]] = "its stack has room for one"
    return Grouping(stacks, alone)


def train_together(
    members: Sequence[Member],
    *,
    max_stack: int = MAX_STACK,
    memory: int | None = None,
    progress: Callable[[int], None] = _unheard,
) -> list[Outcome]:
    """Train every member, in stacks where they are alike, to its best epoch.

    Args:
        members: untrained; their models are changed in place.
        max_stack: most members of one stack.
        memory: bytes that one stack may take; ``None`` is half of what is free now.
        progress: called with a number of finished epochs, summed over members.

    Returns:
        For each member what it became, or the error that ended it: one that fails leaves the
        others as they are.
    """
    found: dict[int, Outcome] = {}
    grouping = grouped(members, max_stack=max_stack, memory=memory)
    for places in grouping.stacks:
        outcomes = train_stack([members[p] for p in places], progress)
        found |= dict(zip(places, outcomes, strict=True))
    for place in grouping.alone:
        found[place] = train_alone(members[place], progress)
    return [found[place] for place in range(len(members))]


def train_stack(
    members: Sequence[Member], progress: Callable[[int], None] = _unheard
) -> list[Outcome]:
    """Train alike members as one program.

    A stack for which there is no memory is cut in half; members that cannot stack after all, or
    whose stack breaks down, train one by one.

    Args, Returns:
        As in `train_together`.
    """
    if len(members) == 1:
        return [train_alone(members[0], progress)]
    settings = members[0].settings
    began = time.perf_counter()
    try:
        module = StackModule(members, progress)
        quiet = replace(settings, gradient_clip_val=None, progress="off")
        with surroundings(settings):
            make_trainer(quiet, logger=None, callbacks=[]).fit(module)
    except CannotStackError as reason:
        log.warning("%d models train one by one: %s.", len(members), reason)
        return [train_alone(member, progress) for member in members]
    except Exception as error:
        if is_out_of_memory(error):
            log.warning("No memory for a stack of %d; it is cut in half.", len(members))
            halves = members[: len(members) // 2], members[len(members) // 2 :]
            return [o for half in halves for o in train_stack(half, progress)]
        log.warning("A stack broke down, its models train one by one: %s", error)
        return [train_alone(member, progress) for member in members]
    share = (time.perf_counter() - began) / len(members)
    return [_outcome(module, place, share) for place in range(len(members))]


def train_alone(member: Member, progress: Callable[[int], None] = _unheard) -> Outcome:
    """Train one member without a stack."""
    began = time.perf_counter()
    module = _lone_module(member)
    try:
        fitted = fit(
            module,
            member.dataset,
            replace(member.settings, progress="off"),
            seed=member.seed,
            callbacks=member.callbacks,
            balance=member.balance,
        )
    except Exception as error:
        return error
    progress(fitted.epochs)
    steps = _steps(member, fitted.epochs)
    return Trained(module.model.eval(), fitted, time.perf_counter() - began, steps)


def _outcome(module: StackModule, place: int, seconds: float) -> Outcome:
    member, course = module.members[place], module.courses[place]
    began = time.perf_counter()
    try:
        fitted = course.fitted()
        member.model.load_state_dict(course.weights)
        model = member.model.to("cpu").float().eval()
        if course.candidates is not None:
            found = certify(model, course.candidates, member.certifier)
            fitted = (
                fitted
                if found is None
                else replace(fitted, best_epoch=found.epoch, certificate=found)
            )
        fitted = ended(model, fitted, member.dataset, member.settings, member.balance)
    except Exception as error:
        return error
    if course.candidates is not None or member.balance is not None:
        seconds += time.perf_counter() - began  # what this one alone took
    steps = _steps(member, fitted.epochs)
    return Trained(model, fitted, seconds, steps, together=len(module.members))


def _lone_module(member: Member) -> ClassifierModule:
    maker, blocks = member.settings.optimizer, member.dataset.blocks
    classes = len(member.dataset.classes)
    if member.teacher is None:
        return ClassifierModule(member.model, member.objective, maker, blocks, classes)
    return StudentModule(
        member.model,
        member.objective,
        maker,
        blocks,
        classes,
        member.teacher,
        live_teacher(member.settings, member.objective, member.live),
        certifier=member.certifier,
    )


def _steps(member: Member, epochs: int) -> int:
    return steps_per_epoch(member.settings, member.dataset.splits["train"].size) * epochs


def _shared(kinds: Sequence[tuple[list[int], int]], parts: int) -> list[list[int]]:
    """The stacks of all kinds that so many processes are done with soonest.

    Args:
        kinds: the places of alike members, and the most of them that one stack may have.
        parts: how many processes take the stacks, the longest first.
    """
    ways = [
        [stack for places, largest in kinds for stack in _cut(places, largest, pieces)]
        for pieces in range(1, parts + 1)
    ]
    return min(ways, key=lambda stacks: _duration([len(stack) for stack in stacks], parts))


def _duration(sizes: Sequence[int], processes: int) -> int:
    """How long stacks take side by side, in what one more member of a stack takes."""
    busy = [0] * processes
    for size in sorted(sizes, reverse=True):
        busy[busy.index(min(busy))] += size + _MEMBERS_OF_OVERHEAD
    return max(busy)


def _cut(places: Sequence[int], largest: int, parts: int) -> list[list[int]]:
    """Cut into consecutive pieces of about one size."""
    count = max(-(-len(places) // largest), min(parts, len(places) // 2))
    size, more = divmod(len(places), count)
    pieces, start = [], 0
    for number in range(count):
        end = start + size + (number < more)
        pieces.append(list(places[start:end]))
        start = end
    return pieces
