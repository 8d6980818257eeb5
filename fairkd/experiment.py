"""One job, from built objects to a tracked record.

Read `run_job` from top to bottom: that is what fairkd does.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from fairkd.evaluation.flipped import Flipped
from fairkd.evaluation.held import held
from fairkd.job import FORCES, Job
from fairkd.job_folder import write_student
from fairkd.keeping import Failures, Keeper, Memory, told
from fairkd.measuring import (
    baseline_of,
    measured,
    memberships,
    predicted,
    scores_of,
    with_rows,
)
from fairkd.models.features import ModelOutputs
from fairkd.record import JobRecord, parameters
from fairkd.run_page import Annotate, Illustrate, Page, tags
from fairkd.run_record import write_asked
from fairkd.serving.description import Description
from fairkd.store import Content, Store
from fairkd.tracking.interface import Run, Tracking
from fairkd.tracking.lightning_logger import RunLogger
from fairkd.training.compress import Beside, Compression
from fairkd.training.distil import (
    Recipe,
    Trained,
    assemble_student,
    train_on_labels,
    train_student,
)
from fairkd.training.randomness import threads

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobResult:
    """What `run_job` gives back.

    Attributes:
        record: the job's record.
        run_id: its tracked run; empty without tracking.
        reused: whether the whole record came from the store.
    """

    record: JobRecord
    run_id: str
    reused: bool


def run_job(
    job: Job,
    store: Store,
    tracking: Tracking,
    *,
    memory: Memory | None = None,
    failures: Failures | None = None,
    illustrate: Illustrate = lambda _: {},
    annotate: Annotate = lambda *_: "",
) -> JobResult:
    """Train what is missing, measure the trio, and leave exactly one finished tracked run.

    Args:
        job: what to do.
        store: where results are kept.
        tracking: where runs are written, prepared by the caller.
        memory: shared with the other jobs of the process.
        failures: models that are known to fail, and why (a stack found out).
        illustrate: draws what goes beside the record into its run.
        annotate: writes what its page shows first.

    Raises:
        FairkdError: something does not fit, training diverged, or store or tracking cannot be
            written. A run that was started is then recorded as failed.
    """
    keeper = Keeper(store, FORCES[job.force], memory or Memory(), failures or {})
    page = Page(illustrate, annotate)
    with store.lock("job", job.keys.job):
        entry = keeper.kept("job", job.keys.job)
        if entry is None:
            return _run(job, keeper, tracking, page)
        weights = _kept_weights(job, keeper)
        if weights is None:
            log.warning("The student's weights are no longer in the store: the job is done again.")
            return _run(job, keeper, tracking, page)
        _write_student(job, weights)
        return _reuse(job, JobRecord.from_json(entry.record), tracking, page)


def prepare(tracking: Tracking) -> None:
    """Make tracking usable, and end the runs that a killed process left behind."""
    tracking.prepare()
    for run_id in tracking.reap():
        log.info("Run %s belonged to a process that is gone; it is marked KILLED.", run_id)


def check_fits(job: Job) -> None:
    """Build both models untrained and connect their layers, before anything trains.

    Raises:
        ConfigError: they do not fit.
    """
    assemble_student(job.student, job.distillation, job.teacher.initial(), job.dataset)


def _run(job: Job, keeper: Keeper, tracking: Tracking, page: Page) -> JobResult:
    """Do the job. It is kept before its run is finished: a finished run always has its record."""
    with tracking.start(job.name, parameters(job.config), tags(job), job.sweep.parent) as run:
        write_asked(run, job.config, job.words)
        products, record = _compute(job, keeper, run)
        weights = {name: product.model.state_dict() for name, product in products.items()}
        _write_student(job, weights)
        page.write(run, job, record)
        tracking.supersede(job.keys.job)
        content = Content(record=record.to_json(), about={"name": job.name})
        keeper.put("job", job.keys.job, content)
    return JobResult(record, run.run_id, reused=False)


def _write_student(job: Job, weights: Mapping[str, Mapping[str, Tensor]]) -> None:
    threshold = job.evaluation.threshold
    description = Description.of(job.config["student"], job.dataset, threshold, weights)
    write_student(job.output, weights, job.dataset, description)


def _kept_weights(job: Job, keeper: Keeper) -> dict[str, Mapping[str, Tensor]] | None:
    """The weights of the student and of what was made of it, if all are still there."""
    kinds = {"student": ("student", job.keys.student)} | {
        name: ("compressed", key) for name, key in job.keys.compressed.items()
    }
    found = {name: keeper.weights(*place) for name, place in kinds.items()}
    known = {name: weights for name, weights in found.items() if weights is not None}
    return dict(known) if len(known) == len(found) else None


def _reuse(job: Job, record: JobRecord, tracking: Tracking, page: Page) -> JobResult:
    """Point to the job's run; write one from the store where this tracking store has none."""
    found = tracking.find(job.keys.job, job.sweep.id)
    if found is not None:
        return JobResult(record, found, reused=True)
    marked = {**tags(job), "fairkd.reused": "true"}
    with tracking.start(job.name, parameters(job.config), marked, job.sweep.parent) as run:
        write_asked(run, job.config, job.words)
        run.log_history(record.histories["student"])
        page.write(run, job, record)
    return JobResult(record, run.run_id, reused=True)


def _compute(job: Job, keeper: Keeper, run: Run) -> tuple[dict[str, Trained], JobRecord]:
    """Teacher, control, student, what is made of it and what is tried instead, side by side."""
    with threads(job.student.settings.threads):
        teacher, outputs = teacher_of(job, keeper)
        train_control = partial(train_on_labels, job.student, job.dataset)
        control = keeper.model("control", job.keys.control, job.student, train_control)
        student = _student(job, keeper, run, teacher, outputs)
        products = {"student": student, **_compressed(job, keeper, student, teacher, outputs)}
        trained = {"teacher": teacher, "control": control, **products}
        for name, model in trained.items():
            log.info("%s: %s.", name, told(model))
        predictions = predicted(job, keeper, trained, outputs)
        fit = baseline_of(job, keeper, predictions)
        rows = {} if fit is None else fit.rows
        predictions = with_rows(predictions, rows)
        trio = measured(job, keeper, trained, predictions, rows)
        membership = memberships(job, keeper, trained, outputs, predictions)
    seconds = {name: model.seconds for name, model in trained.items()}
    if fit is not None:
        seconds |= dict.fromkeys(fit.rows, fit.seconds)
    return products, JobRecord(
        trio=trio,
        histories={name: model.fitted.history for name, model in trained.items()},
        best_epochs={name: model.fitted.best_epoch for name, model in trained.items()},
        seconds=seconds,
        headline=job.headline,
        bounds={
            name: held(bound, predictions, job.dataset.splits, job.evaluation)
            for name, bound in job.bounds.items()
        },
        certificate=student.fitted.certificate,
        scores=scores_of(job, keeper, predictions),
        flipped=Flipped.of(predictions["test"], trio.final, job.evaluation.threshold),
        membership=membership,
    )


def teacher_of(job: Job, keeper: Keeper) -> tuple[Trained, dict[str, ModelOutputs]]:
    """The trained teacher, and its outputs wherever the student may look at them."""
    teacher = _teacher(job, keeper, job.teacher, (job.keys.teacher, *job.keys.above))
    layers = keeper.memory.recall("layers", job.keys.student, partial(_teacher_layers, job))
    return teacher, keeper.outputs(job.keys.teacher, teacher.model, job.dataset, layers)


def _teacher(
    job: Job, keeper: Keeper, recipe: Recipe, keys: Sequence[str], called: str = "teacher"
) -> Trained:
    """A teacher, trained on labels, or taught by the next one of its chain."""
    key, *above = keys

    def train() -> Trained:
        lesson = recipe.lesson
        if lesson is None:
            return train_on_labels(recipe, job.dataset)
        teacher = _teacher(job, keeper, lesson.teacher, above, f"{called}'s teacher")
        layers = lesson.distillation.objective({}).teacher_features
        outputs = keeper.outputs(above[0], teacher.model, job.dataset, layers)
        return train_student(recipe, lesson.distillation, teacher.model, outputs, job.dataset)

    doing = None if recipe.given is None else f"reading {recipe.given.source}"
    return keeper.model("teacher", key, recipe, train, called, doing)


def _teacher_layers(job: Job) -> tuple[str, ...]:
    """The teacher's layers that the objective reads."""
    distillation = job.distillation
    start = job.student.initial().named_parameters() if distillation.from_teacher else ()
    return distillation.objective(dict(start)).teacher_features


def _student(
    job: Job, keeper: Keeper, run: Run, teacher: Trained, outputs: Mapping[str, ModelOutputs]
) -> Trained:
    """Train the student against the teacher's outputs, which were computed once for all."""
    logger = RunLogger(run)

    def train() -> Trained:
        return train_student(
            job.student,
            job.distillation,
            teacher.model,
            outputs,
            job.dataset,
            logger=logger,
            checkpoint=job.output / "student.ckpt",
        )

    student = keeper.model("student", job.keys.student, job.student, train)
    if student.reused or student.together > 1:  # no curves were drawn while it trained
        run.log_history(student.fitted.history)
    return student


@dataclass(frozen=True)
class _Smaller:
    """Restores a compressed model of the store."""

    step: Compression
    model: nn.Module

    def restored(self, state: Mapping[str, Tensor]) -> nn.Module:
        return self.step.restored(self.model, state)


def _compressed(
    job: Job,
    keeper: Keeper,
    student: Trained,
    teacher: Trained,
    outputs: Mapping[str, ModelOutputs],
) -> dict[str, Trained]:
    """What compression makes of the student, step by step."""
    beside = Beside(job.student, job.distillation, teacher.model, outputs, job.dataset)
    found: dict[str, Trained] = {}
    before = student.model
    for name, step in job.compression.items():
        make = partial(step.compress, before, beside)
        restores = _Smaller(step, before)
        key = job.keys.compressed[name]
        found[name] = keeper.model("compressed", key, restores, make, called=name)
        before = found[name].model
    return found
