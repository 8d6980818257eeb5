"""Train the same students in a lean PyTorch loop and as stacks, nothing tracked, nothing kept."""

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path

from bench_sweep_commands import Grid
from bench_sweep_lean import lean_loop
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from fairkd.commands.build import build_job
from fairkd.commands.configuration import PRIMARY, config_folder
from fairkd.commands.workshop import Workshop
from fairkd.experiment import teacher_of
from fairkd.job import Job
from fairkd.sweeps.members import student_member
from fairkd.sweeps.pool import Pool, ignore_interrupts, pool
from fairkd.training.distil import Trained
from fairkd.training.fit import steps_per_epoch
from fairkd.training.randomness import threads
from fairkd.training.stack.member import Member
from fairkd.training.stack.together import grouped, train_together


@dataclass(frozen=True)
class Learned:
    """A student that was trained.

    Attributes:
        accuracies: on validation, by epoch.
        together: how many trained as one stack with it; 1 for a lone one.
    """

    accuracies: list[float]
    together: int = 1


@dataclass(frozen=True)
class Training:
    """What training so many students took.

    Attributes:
        students: how many.
        student_steps: optimiser steps, added up over students.
        seconds: from the first process's start to the last one's end, imports and warm-up excluded.
        learned: each student, by its place.
    """

    students: int
    student_steps: int
    seconds: float
    learned: dict[int, Learned]

    @property
    def a_step(self) -> float:
        """Seconds a student-step."""
        return self.seconds / self.student_steps

    @property
    def alone(self) -> int:
        """How many students trained without a stack."""
        return sum(one.together == 1 for one in self.learned.values())


@dataclass(frozen=True)
class _Share:
    """The students of one process."""

    places: tuple[int, ...]
    members: tuple[Member, ...]


@dataclass(frozen=True)
class _Took:
    began: float
    ended: float
    learned: list[Learned]


Way = Callable[[Sequence[Member]], list[Learned]]


def jobs_of(words: Sequence[str], grid: Grid) -> list[Job]:
    """The jobs of a grid, built as the command line builds them."""
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        base = compose(PRIMARY, list(words))
    workshop = Workshop()
    values = grid.values()
    jobs = []
    for number, chosen in enumerate(product(*values.values())):
        config = copy.deepcopy(base)
        for key, value in zip(values, chosen, strict=True):
            OmegaConf.update(config, key, float(value) if "." in key else int(value))
        jobs.append(build_job(config, Path(f"{number}"), workshop))
    return jobs


def students(jobs: Sequence[Job], store: Path) -> list[Member]:
    """The jobs' untrained students, beside a teacher trained now."""
    workshop = Workshop()
    members = []
    for job in jobs:
        teacher, outputs = teacher_of(job, workshop.keeper(job, workshop.store(store)))
        members.append(student_member(job, teacher.model, outputs))
    return members


def train(members: Sequence[Member], way: Way, processes: int) -> Training:
    """Train copies of the students in so many processes of one thread each."""
    shares = [
        _Share(tuple(places), tuple(_copy(members[place]) for place in places))
        for places in divided(members, processes)
    ]
    with pool(len(shares), ignore_interrupts) as workers:
        # One epoch of two students first, so that nothing is loaded in the measured time.
        _in_all(workers, list(map(_small, shares)), way)
        took = _in_all(workers, shares, way)
    return Training(
        students=len(members),
        student_steps=sum(map(_steps, members)),
        seconds=max(t.ended for _, t in took) - min(t.began for _, t in took),
        learned={
            place: one
            for share, t in took
            for place, one in zip(share.places, t.learned, strict=True)
        },
    )


def as_stacks(members: Sequence[Member], *, exact: bool) -> list[Learned]:
    """In stacks, as a sweep trains them."""
    learned = []
    for outcome in train_together([replace(member, exact=exact) for member in members]):
        if not isinstance(outcome, Trained):
            raise outcome
        accuracies = [row["val/accuracy"] for row in outcome.fitted.history]
        learned.append(Learned(accuracies, outcome.together))
    return learned


def one_by_one(members: Sequence[Member]) -> list[Learned]:
    """In the lean loop, one after another."""
    with threads(1):
        return [Learned(lean_loop(member)) for member in members]


def _in_all(workers: Pool, shares: list[_Share], way: Way) -> list[tuple[_Share, _Took]]:
    """Train each share in a process of its own, all at once."""
    took: list[tuple[_Share, _Took]] = []
    for done in workers.run(shares, partial(_timed, way), lambda: None):
        if done.result is None:
            raise SystemExit(f"A process that trained failed: {done.error}")
        took.append((done.piece, done.result))
    return took


def _timed(way: Way, share: _Share) -> _Took:
    began = time.time()  # comparable between processes
    learned = way(share.members)
    return _Took(began, time.time(), learned)


def _small(share: _Share) -> _Share:
    settings = replace(share.members[0].settings, max_epochs=1)
    return _Share(
        share.places[:2], tuple(replace(_copy(m), settings=settings) for m in share.members[:2])
    )


def _copy(member: Member) -> Member:
    model, objective = copy.deepcopy((member.model, member.objective))
    return replace(member, model=model, objective=objective)


def divided(members: Sequence[Member], processes: int) -> Iterator[list[int]]:
    """Places by process, alike ones and those of one seed together, as a sweep divides them."""
    grouping = grouped(members, parts=processes)
    places = [place for stack in grouping.stacks for place in stack] + list(grouping.alone)
    size, more = divmod(len(places), processes)
    start = 0
    for number in range(min(processes, len(places))):
        end = start + size + (number < more)
        yield places[start:end]
        start = end


def _steps(member: Member) -> int:
    rows = member.dataset.splits["train"].size
    return steps_per_epoch(member.settings, rows) * member.settings.max_epochs
