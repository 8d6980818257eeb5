"""One job, from built objects to a tracked record.

Read `run_job` from top to bottom: that is what fairkd does.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fairkd.data.dataset import Dataset
from fairkd.evaluation.compression import cost
from fairkd.evaluation.evaluate import evaluate
from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.evaluation.trio import Trio, measure_trio
from fairkd.identity import JobKeys
from fairkd.keeping import Keeper
from fairkd.models.features import ModelOutputs
from fairkd.record import Headline, JobRecord, parameters, write_run, write_student
from fairkd.store import Content, Store
from fairkd.tracking.interface import JOB_KEY, Run, Tracking
from fairkd.tracking.lightning_logger import RunLogger
from fairkd.training.distil import (
    Distillation,
    Recipe,
    Trained,
    assemble_student,
    train_on_labels,
    train_student,
)
from fairkd.training.inference import outputs_on
from fairkd.training.randomness import threads

log = logging.getLogger(__name__)

FORCES: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "student": ("student", "job"),
    "all": ("teacher", "outputs", "control", "evaluation", "student", "job"),
}
"""What each value of ``force`` computes anew."""


@dataclass(frozen=True)
class Job:
    """Everything one job needs, already built and checked.

    Attributes:
        name: readable, for lists of runs.
        config: the resolved configuration, as plain values.
        keys: under which its parts are kept.
        dataset: prepared splits.
        teacher: how the teacher is made and trained.
        student: how the student, and the control, are made and trained.
        distillation: what the student is trained for.
        evaluation: how models are measured.
        headline: what ``test/disparity`` is.
        force: a key of `FORCES`.
        output: the job's folder.
    """

    name: str
    config: Mapping[str, Any]
    keys: JobKeys
    dataset: Dataset
    teacher: Recipe
    student: Recipe
    distillation: Distillation
    evaluation: EvaluationSettings
    headline: Headline
    force: str
    output: Path


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


def run_job(job: Job, store: Store, tracking: Tracking) -> JobResult:
    """Train what is missing, measure the trio, and leave exactly one finished tracked run.

    Raises:
        FairkdError: something does not fit, training diverged, or store or tracking cannot be
            written. A run that was started is then recorded as failed.
    """
    check_fits(job)
    tracking.prepare()
    for run_id in tracking.reap():
        log.info("Run %s belonged to a process that is gone; it is marked KILLED.", run_id)
    keeper = Keeper(store, FORCES[job.force])
    fresh: list[JobResult] = []

    def compute() -> Content:
        with tracking.start(job.name, parameters(job.config), _tags(job)) as run:
            run.log_json(job.config, "configuration.json")
            student, record = _compute(job, keeper, run)
            write_student(job.output, student.model.state_dict(), job.dataset)
            write_run(run, record, job.dataset, job.output)
            tracking.supersede(job.keys.job)
        fresh.append(JobResult(record, run.run_id, reused=False))
        return Content(record=record.to_json(), about={"name": job.name})

    entry, _ = keeper.keep("job", job.keys.job, compute)
    if fresh:
        return fresh[0]
    weights = keeper.weights("student", job.keys.student)
    if weights is None:
        log.warning("The student's weights are no longer in the store: the job is done again.")
        Keeper(store, (*keeper.forced, "job")).keep("job", job.keys.job, compute)
        return fresh[0]
    write_student(job.output, weights, job.dataset)
    with store.lock("job", job.keys.job):
        return _reuse(job, JobRecord.from_json(entry.record), tracking)


def check_fits(job: Job) -> None:
    """Build both models untrained and connect their layers, before anything trains.

    Raises:
        ConfigError: they do not fit.
    """
    assemble_student(job.student, job.distillation, job.teacher.initial(), job.dataset)


def _reuse(job: Job, record: JobRecord, tracking: Tracking) -> JobResult:
    """Point to the job's run; write one from the store where this tracking store has none."""
    found = tracking.find(job.keys.job)
    if found is not None:
        return JobResult(record, found, reused=True)
    tags = {**_tags(job), "fairkd.reused": "true"}
    with tracking.start(job.name, parameters(job.config), tags) as run:
        run.log_json(job.config, "configuration.json")
        run.log_history(record.histories["student"])
        write_run(run, record, job.dataset, job.output)
    return JobResult(record, run.run_id, reused=True)


def _compute(job: Job, keeper: Keeper, run: Run) -> tuple[Trained, JobRecord]:
    """Teacher, control and student, measured side by side."""
    with threads(job.student.settings.threads):
        train_teacher = partial(train_on_labels, job.teacher, job.dataset)
        teacher = keeper.model("teacher", job.keys.teacher, job.teacher, train_teacher)
        train_control = partial(train_on_labels, job.student, job.dataset)
        control = keeper.model("control", job.keys.control, job.student, train_control)
        outputs = keeper.outputs(
            job.keys.teacher, teacher.model, job.dataset, _teacher_layers(job, teacher)
        )
        student = _student(job, keeper, run, teacher, outputs)
        trained = {"teacher": teacher, "control": control, "student": student}
        trio = _measured(job, keeper, trained, outputs)
    return student, JobRecord(
        trio=trio,
        histories={name: model.fitted.history for name, model in trained.items()},
        best_epochs={name: model.fitted.best_epoch for name, model in trained.items()},
        seconds={name: model.seconds for name, model in trained.items()},
        headline=job.headline,
    )


def _teacher_layers(job: Job, teacher: Trained) -> tuple[str, ...]:
    _, objective = assemble_student(job.student, job.distillation, teacher.model, job.dataset)
    return objective.teacher_features


def _student(
    job: Job, keeper: Keeper, run: Run, teacher: Trained, outputs: Mapping[str, ModelOutputs]
) -> Trained:
    """Train the student against the teacher's outputs, which were computed once for all."""

    def train() -> Trained:
        return train_student(
            job.student,
            job.distillation,
            teacher.model,
            outputs,
            job.dataset,
            logger=RunLogger(run),
            checkpoint=job.output / "student.ckpt",
        )

    student = keeper.model("student", job.keys.student, job.student, train)
    if student.reused:
        run.log_history(student.fitted.history)
    return student


def _measured(
    job: Job,
    keeper: Keeper,
    trained: Mapping[str, Trained],
    teacher_outputs: Mapping[str, ModelOutputs],
) -> Trio:
    """The trio on test, at thresholds chosen on validation where a choice is asked for."""
    splits = job.dataset.splits

    def predicted(name: str, split: str) -> Predictions:
        known = teacher_outputs[split] if name == "teacher" else None
        logits = (known or outputs_on(trained[name].model, splits[split])).logits
        return Predictions.from_logits(
            logits, splits[split], job.dataset.blocks, job.dataset.classes
        )

    predictions = {
        split: {name: predicted(name, split) for name in trained}
        for split in ("validation", "test")
    }
    example = splits["test"].x[:1]
    repeats = job.evaluation.latency_repeats
    costs = {name: cost(model.model, example, repeats) for name, model in trained.items()}
    keys = {"teacher": job.keys.teacher, "control": job.keys.control}

    def measure(name: str, settings: EvaluationSettings) -> Evaluation:
        make = partial(evaluate, predictions["test"][name], settings)
        # The student's measurements are the job's own; the others' serve every job beside them.
        return keeper.evaluation(keys[name], settings, make) if name in keys else make()

    return measure_trio(
        predictions["validation"], predictions["test"], costs, job.evaluation, measure
    )


def _tags(job: Job) -> dict[str, str]:
    return {
        JOB_KEY: job.keys.job,
        "fairkd.configuration_key": job.keys.without_seeds,
        "fairkd.teacher_key": job.keys.teacher,
        "fairkd.data": job.dataset.name,
        "fairkd.output": str(job.output),
    }
