"""Train, in stacks, what several jobs will need, and keep it where each of them looks for it."""

import logging
from collections.abc import Callable, Sequence

from fairkd.errors import FairkdError
from fairkd.experiment import teacher_of
from fairkd.job import Job
from fairkd.keeping import Failures, Keeper, diverged
from fairkd.sweeps.members import key_of, label_member, student_member
from fairkd.sweeps.pieces import Kind
from fairkd.training.distil import Trained
from fairkd.training.modules import DivergedError
from fairkd.training.stack.member import Member
from fairkd.training.stack.together import MAX_STACK, train_together

log = logging.getLogger(__name__)


def train_ahead(
    kind: Kind,
    jobs: Sequence[Job],
    keeper_of: Callable[[Job], Keeper],
    *,
    max_stack: int = MAX_STACK,
    memory: int | None = None,
    progress: Callable[[int], None],
) -> Failures:
    """Train the jobs' models of one kind that the store does not have, and put them there.

    A model that another process trains at this moment is left to it: the job that needs it waits.

    Args:
        kind: which model of each job.
        jobs: in any order; a model that several share is trained once.
        keeper_of: a job's view of the store.
        max_stack: see `train_together`.
        memory: see `train_together`.
        progress: told of finished epochs.

    Returns:
        The models that cannot be had, and why. A model whose training broke down for a reason that
        no sentence of ours tells is not among them: its job tries it again, and logs everything.
    """
    first = {key_of(kind, job): job for job in reversed(jobs)}
    if kind == "teacher":  # the others are made by the first job that needs them
        first = {key: job for key, job in first.items() if job.teacher.from_labels}
    missing = {key: job for key, job in first.items() if not keeper_of(job).has(kind, key)}
    if not missing:
        return {}
    failures: dict[tuple[str, str], FairkdError] = {}
    store = keeper_of(next(iter(missing.values()))).store
    with store.claim(kind, missing) as claimed:
        members: dict[str, Member] = {}
        for key in sorted(claimed):
            job = missing[key]
            keeper = keeper_of(job)
            if keeper.has(kind, key):  # made since
                continue
            try:
                members[key] = _member(kind, job, keeper)
            except FairkdError as error:
                failures[kind, key] = error
        outcomes = train_together(
            list(members.values()),
            max_stack=max_stack,
            memory=memory,
            progress=progress,
        )
        for key, outcome in zip(members, outcomes, strict=True):
            if isinstance(outcome, DivergedError):
                failures[kind, key] = diverged(kind, outcome)
            elif isinstance(outcome, FairkdError):
                failures[kind, key] = outcome
            elif isinstance(outcome, Trained):
                keeper_of(missing[key]).put_model(kind, key, outcome)
    return failures


def _member(kind: Kind, job: Job, keeper: Keeper) -> Member:
    if kind != "student":
        return label_member(kind, job)
    teacher, outputs = teacher_of(job, keeper)
    return student_member(job, teacher.model, outputs)
