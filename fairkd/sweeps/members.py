"""A job's teacher, control or student as a member of a stack."""

from collections.abc import Mapping

import torch
from torch import nn

from fairkd.evaluation.certificate import Certifier
from fairkd.job import Job
from fairkd.models.features import ModelOutputs, run
from fairkd.sweeps.pieces import Kind
from fairkd.training.distil import Recipe, assemble_student
from fairkd.training.objective import Objective
from fairkd.training.stack.member import Member


def key_of(kind: Kind, job: Job) -> str:
    """Under which key a job's model of that kind is kept."""
    keys = {"teacher": job.keys.teacher, "control": job.keys.control, "student": job.keys.student}
    return keys[kind]


def label_member(kind: Kind, job: Job) -> Member:
    """The untrained teacher or control: labels are all it learns from."""
    recipe = job.teacher if kind == "teacher" else job.student
    return _member(recipe, recipe.initial(), Objective(), job, None)


def student_member(job: Job, teacher: nn.Module, outputs: Mapping[str, ModelOutputs]) -> Member:
    """The untrained student.

    Args:
        job: whose.
        teacher: trained.
        outputs: of the teacher, on ``train`` and ``validation``.
    """
    model, objective = assemble_student(job.student, job.distillation, teacher, job.dataset)
    objective.learn(outputs, job.dataset.splits)
    certifier = job.distillation.certifier
    return _member(job.student, model, objective, job, outputs, teacher, certifier)


def sketch(kind: Kind, job: Job) -> Member:
    """A member that shows what the real one will be like, before there is a trained teacher."""
    if kind != "student":
        return label_member(kind, job)
    teacher = job.teacher.initial().eval()
    model, objective = assemble_student(job.student, job.distillation, teacher, job.dataset)
    with torch.inference_mode():
        seen = run(
            teacher, job.dataset.splits["train"].rows(slice(2)).floats, objective.teacher_features
        )
    outputs = {"train": seen, "validation": seen}
    return _member(job.student, model, objective, job, outputs, teacher)


def _member(
    recipe: Recipe,
    model: nn.Module,
    objective: Objective,
    job: Job,
    teacher: Mapping[str, ModelOutputs] | None,
    live: nn.Module | None = None,
    certifier: Certifier | None = None,
) -> Member:
    return Member(
        model=model,
        objective=objective,
        settings=recipe.settings,
        seed=recipe.seed,
        dataset=job.dataset,
        teacher=teacher,
        live=live,
        callbacks=recipe.callbacks(),
        certifier=certifier,
        balance=recipe.balance,
        exact=job.config["stack"]["kernels"] == "exact",
    )
