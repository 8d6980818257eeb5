"""The pieces of work that a sweep is divided into.

What a launcher needs to know of them before anything heavy is imported.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fairkd.sweeps.settings import StackedLauncherConf

Kind = Literal["teacher", "control", "student"]
KINDS: tuple[Kind, ...] = ("teacher", "control", "student")

PieceKind = Literal["teacher", "control", "job"]


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
    max_stack: int = StackedLauncherConf.max_stack
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
