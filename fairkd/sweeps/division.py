"""Divide a sweep's jobs into pieces of work: stacks, lone jobs, and what the store has already."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from fairkd.job import Job
from fairkd.keeping import Keeper
from fairkd.sweeps.members import key_of, sketch
from fairkd.sweeps.pieces import Cut, Division, Kind, Piece
from fairkd.training.stack.together import grouped

_REUSED_AT_ONCE = 16


def divide(jobs: Sequence[Job], keeper_of: Callable[[Job], Keeper], cut: Cut) -> Division:
    """Divide the jobs of a sweep.

    Args:
        jobs: built, in the order of the sweep.
        keeper_of: a job's view of the store; only looked into.
        cut: how large pieces may be.
    """
    done = {place for place, job in enumerate(jobs) if keeper_of(job).has("job", job.keys.job)}
    needed = [place for place in range(len(jobs)) if place not in done]
    first: list[Piece] = []
    trained: dict[Kind, int] = {}
    before: tuple[Literal["teacher", "control"], ...] = ("teacher", "control")
    for kind in before:
        missing = _missing(kind, jobs, needed, keeper_of)
        trained[kind] = len(missing)
        if kind == "teacher":  # the others are made by the first job that needs them
            missing = [place for place in missing if jobs[place].teacher.from_labels]
        # Beside teachers, which are large, controls are one more piece of work and not many.
        free = replace(cut, parts=max(1, cut.processes - len(first)))
        stacks, alone = _groups(kind, jobs, missing, free)
        first += [Piece(kind, tuple(stack)) for stack in stacks]
        first += [Piece(kind, (place,)) for place in alone]
    missing = _missing("student", jobs, needed, keeper_of)
    trained["student"] = len(missing)
    stacks, alone = _groups("student", jobs, missing, cut)
    # Jobs whose student another job of the sweep trains too go with that job.
    leader = {jobs[place].keys.student: place for place in missing}
    following: dict[int, list[int]] = {}
    reused = []
    for place in range(len(jobs)):
        leading = leader.get(jobs[place].keys.student)
        if leading is None or place in done:
            reused.append(place)
        elif place != leading:
            following.setdefault(leading, []).append(place)
    pieces = [
        tuple(sorted(place for lead in stack for place in (lead, *following.get(lead, ()))))
        for stack in (*stacks, *([place] for place in alone))
    ]
    size = max(1, min(_REUSED_AT_ONCE, -(-len(reused) // cut.processes)))
    pieces += [tuple(reused[i : i + size]) for i in range(0, len(reused), size)]
    pieces.sort(key=len, reverse=True)
    return Division(
        first=tuple(first),
        then=tuple(Piece("job", piece) for piece in pieces),
        stacks=tuple(len(stack) for stack in stacks),
        alone=alone,
        trained=trained,
        reused=tuple(reused),
    )


def _missing(
    kind: Kind, jobs: Sequence[Job], places: Sequence[int], keeper_of: Callable[[Job], Keeper]
) -> list[int]:
    """The first job for each model of a kind that the store does not have."""
    seen: dict[str, int] = {}
    for place in places:
        seen.setdefault(key_of(kind, jobs[place]), place)
    return [place for key, place in seen.items() if not keeper_of(jobs[place]).has(kind, key)]


def _groups(
    kind: Kind, jobs: Sequence[Job], places: Sequence[int], cut: Cut
) -> tuple[list[list[int]], dict[int, str]]:
    members = [sketch(kind, jobs[place]) for place in places]
    memory = None if cut.memory is None else cut.memory // cut.processes
    parts = cut.processes if cut.parts is None else cut.parts
    grouping = grouped(members, max_stack=cut.max_stack, memory=memory, parts=parts)
    stacks = [[places[number] for number in stack] for stack in grouping.stacks]
    return stacks, {places[number]: reason for number, reason in grouping.alone.items()}
