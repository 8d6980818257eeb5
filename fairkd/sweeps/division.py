"""Divide a sweep's jobs into pieces of work: stacks, lone jobs, and what the store has already."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from fairkd.experiment import Job
from fairkd.keeping import Keeper
from fairkd.sweeps.members import KINDS, Kind, key_of, sketch
from fairkd.training.stack.together import MAX_STACK, grouped

PieceKind = Literal["teacher", "control", "job"]
_REUSED_AT_ONCE = 16


@dataclass(frozen=True)
class Cut:
    """How large pieces may be.

    Attributes:
        processes: how many work at once; each should have something to do.
        max_stack: most members of a stack.
        memory: bytes that all stacks that train at once may take; ``None`` decides by what is free.
        parts: into how many pieces alike models are cut at least; ``None``: one for each process.
    """

    processes: int = 1
    max_stack: int = MAX_STACK
    memory: int | None = None
    parts: int | None = None


@dataclass(frozen=True)
class Piece:
    """Work for one process, without a break.

    Attributes:
        kind: ``teacher`` or ``control`` trains those models of the jobs and keeps them; ``job``
            trains the students and then does the jobs.
        jobs: places of the jobs in the sweep.
    """

    kind: PieceKind
    jobs: tuple[int, ...]


@dataclass(frozen=True)
class Division:
    """All pieces of a sweep.

    Attributes:
        first: what many jobs need: teachers and controls. To be done before the rest.
        then: every job, in exactly one piece.
        stacks: sizes of the students' stacks.
        alone: for students that train alone, the reason, by job.
        trained: models to be trained, by kind.
        reused: the jobs whose student the store has.
    """

    first: tuple[Piece, ...]
    then: tuple[Piece, ...]
    stacks: tuple[int, ...]
    alone: Mapping[int, str]
    trained: Mapping[Kind, int]
    reused: tuple[int, ...]

    def sentence(self) -> str:
        """How many stacks, how many alone, and why."""
        parts = []
        if self.stacks:
            sizes = ", ".join(
                f"{count} of {size}" for size, count in sorted(Counter(self.stacks).items())
            )
            stacked = sum(self.stacks)
            noun = "stack" if len(self.stacks) == 1 else "stacks"
            parts.append(f"{stacked} students in {len(self.stacks)} {noun} ({sizes})")
        if self.alone:
            reasons = Counter(self.alone.values())
            told = "; ".join(
                reason if count == len(self.alone) else f"{count} because {reason}"
                for reason, count in reasons.most_common()
            )
            parts.append(f"{len(self.alone)} alone ({told})")
        if self.reused:
            parts.append(f"{len(self.reused)} from the store")
        count = sum(len(piece.jobs) for piece in self.then)
        more = [
            f"{self.trained[k]} {k}{'s' * (self.trained[k] > 1)}"
            for k in KINDS[:2]
            if self.trained.get(k)
        ]
        before = f"; before them {' and '.join(more)}" if more else ""
        return f"{count} jobs: {', '.join(parts)}{before}."


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
