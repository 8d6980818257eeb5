"""Refuse, before anything trains, what only the data or the built models can show to be wrong."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from fairkd.baselines.baseline import Baseline
from fairkd.data.dataset import Dataset
from fairkd.errors import ConfigError, DataError, first_line, unknown_name
from fairkd.evaluation.reference import check_reference_groups
from fairkd.evaluation.trio import MODELS
from fairkd.experiment import check_fits
from fairkd.job import Job
from fairkd.models.answers import Answers
from fairkd.models.classifier import Classifier
from fairkd.models.ensemble import Ensemble
from fairkd.models.features import feature_names, find_layer
from fairkd.models.given.given import Given
from fairkd.training.distil import Distillation, Recipe, assemble_student
from fairkd.training.fit import check_settings
from fairkd.training.objective import LABELS
from fairkd.training.validation import ValidationMetrics

_FEW_ROWS = 2


def check_job(job: Job) -> None:
    """Build everything that training will need, untrained, and connect it.

    Raises:
        ConfigError: naming the key to change.
    """
    check_reference_groups(job.evaluation, job.dataset.blocks)
    if isinstance(job.student.initial(), Answers | Classifier | Ensemble):
        raise ConfigError(
            "student: classifiers of scikit-learn, ensembles and recorded outputs are teachers and "
            "cannot be a student; use one of torch (mlp, linear)."
        )
    _check_layers(job)
    _check_training("trainer", job.student, job)
    _check_teacher("teacher", job.teacher, job)
    _check_asked("trainer", job.student, job.distillation, job.teacher)
    check_rows(job)
    check_fits(job)
    model = job.student.initial()
    for name, step in job.compression.items():
        try:
            model = step.check(model, job.dataset)
        except ConfigError as error:
            raise ConfigError(f"compression.steps.{name}: {error}") from error


def check_rows(job: Job) -> None:
    """Refuse what these very rows cannot do, and another split of the same data may.

    Raises:
        ConfigError: naming the key to change.
    """
    key, teacher = "teacher", job.teacher
    while True:
        _check_balance(key, teacher, job.dataset)
        if teacher.lesson is None or teacher.given is not None:
            break
        key, teacher = f"{key}.teacher", teacher.lesson.teacher
    if job.baseline is not None:
        _check_baseline(job.baseline, job)


def _check_baseline(baseline: Baseline, job: Job) -> None:
    """Refuse rows under names that are taken, and data that the baseline cannot be fitted on.

    Raises:
        ConfigError: naming the key to change.
    """
    taken = sorted({*MODELS, "transfer", *job.compression} & set(baseline.rows))
    if taken:
        raise ConfigError(
            f"baseline reports a row '{taken[0]}', and this job has a model of that name; rename "
            "the step of compression, or the baseline's row."
        )
    try:
        baseline.check(job.dataset)
    except ConfigError as error:
        raise ConfigError(f"baseline: {error}") from error


def _check_training(key: str, recipe: Recipe, job: Job) -> None:
    _check_trainer(key, recipe)
    if isinstance(recipe.initial(), Classifier):
        return
    _check_augmentation(key, recipe, job)
    _check_optimizer(key, recipe)
    if not recipe.callbacks():  # a callback may log a value of its own
        _check_monitor(key, recipe, job.dataset)


def _check_teacher(key: str, recipe: Recipe, job: Job) -> None:
    """Check a teacher, and its own teacher."""
    if recipe.given is not None:
        _check_given(key, recipe.initial(), recipe.given, job.dataset)
        return
    _check_training(f"{key}.trainer", recipe, job)
    if recipe.lesson is None:
        return
    above = recipe.lesson.teacher
    if isinstance(recipe.initial(), Classifier | Ensemble):
        raise ConfigError(
            f"{key}: classifiers of scikit-learn and ensembles cannot be taught; make the "
            f"assistant one of torch ({key}.model), and let them teach it "
            f"(teacher@{key}.teacher=gradient_boosting)."
        )
    _check_teacher(f"{key}.teacher", above, job)
    _check_asked(f"{key}.trainer", recipe, recipe.lesson.distillation, above)
    try:
        assemble_student(recipe, recipe.lesson.distillation, above.initial(), job.dataset)
    except ConfigError as error:
        raise ConfigError(f"{key}.distillation: {error}") from error


def _check_given(key: str, model: nn.Module, given: Given, dataset: Dataset) -> None:
    try:
        given.check(model, dataset)
    except (ConfigError, DataError) as error:
        text = str(error)
        if text.startswith("teacher."):
            raise ConfigError(key + text.removeprefix("teacher")) from error
        of_argument = text.partition("=")[0].isidentifier()
        where = f"{key}." if of_argument else f"{key}.{given.named_by}: "
        raise ConfigError(f"{where}{error}") from error


def _check_asked(key: str, recipe: Recipe, distillation: Distillation, teacher: Recipe) -> None:
    """Refuse rows that change at every step beside a teacher that knows rows as they are."""
    if not recipe.settings.augmentation or not isinstance(teacher.initial(), Answers):
        return
    start = dict(recipe.initial().named_parameters())
    if distillation.objective(start).needs_teacher:
        raise ConfigError(
            f"{key}: augmentation changes rows at every step, and the teacher's outputs are known "
            "for the rows as they are; use augmentation=none, or a teacher that can be run."
        )


def _check_layers(job: Job) -> None:
    student, teacher = job.student.initial(), job.teacher.initial()
    objective = job.distillation.objective(dict(student.named_parameters()))
    for name, term in objective.named_terms.items():
        key = f"distillation.terms.{name}"
        outputs = "a term on outputs (distillation=soft_targets)"
        _check_known("student", student, key, term.student_features, outputs)
        _check_known("teacher", teacher, key, term.teacher_features, outputs)
        _check_rows(job, name, term.fewest_rows)
    for name, mitigation in objective.mitigations.named.items():
        key = f"mitigation.terms.{name}"
        outputs = "an adversary of outputs (mitigation=adversarial)"
        _check_known("student", student, key, mitigation.student_features, outputs)


def _check_known(
    role: str, model: nn.Module, key: str, layers: Iterable[str], instead: str
) -> None:
    for layer in layers:
        try:
            find_layer(model, layer)
        except ConfigError as error:
            if not feature_names(model):
                raise ConfigError(
                    f"{key} reads a layer of the {role}, and {type(model).__name__} names none; "
                    f"use {instead} or another {role}."
                ) from error
            kind = f"layer of the {role} in {key}"
            raise ConfigError(unknown_name(kind, layer, feature_names(model))) from error


def _check_rows(job: Job, term: str, fewest: int) -> None:
    given = min(job.student.settings.batch_size, job.dataset.splits["train"].size)
    if given < fewest:
        raise ConfigError(
            f"distillation.terms.{term} compares rows of a batch with each other, and "
            f"trainer.batch_size={given}; give it at least {fewest}."
        )


def _check_balance(key: str, teacher: Recipe, dataset: Dataset) -> None:
    if teacher.balance is None or teacher.given is not None:
        return
    try:
        teacher.balance.check(teacher.initial(), dataset)
    except ConfigError as error:
        raise ConfigError(f"{key}.balance: {error}") from error


def _check_trainer(key: str, recipe: Recipe) -> None:
    callbacks = recipe.callbacks()
    try:
        processes = check_settings(recipe.settings, callbacks)
    except ConfigError as error:
        raise ConfigError(f"{key}: {error}") from error
    if processes > 1:
        raise ConfigError(
            f"{key}.devices={recipe.settings.devices} asks for {processes} processes; a job trains "
            f"in one: set {key}.devices=1, and run many jobs side by side instead."
        )


def _check_augmentation(key: str, recipe: Recipe, job: Job) -> None:
    few = job.dataset.splits["train"].rows(slice(_FEW_ROWS)).floats
    trainer: Any = job.config
    for part in key.split("."):
        trainer = trainer[part]
    of_trainer, shared = trainer.get("augmentation", {}), job.config["augmentation"]
    for name, augmentation in recipe.settings.augmentation.items():
        follows = of_trainer[name] == shared.get(name)
        where = f"{'' if follows else f'{key}.'}augmentation.{name}"
        try:
            changed = augmentation(few.clone(), torch.Generator())
        except ConfigError as error:
            of_argument = str(error).partition("=")[0].isidentifier()
            raise ConfigError(f"{where}{'.' if of_argument else ': '}{error}") from error
        except (RuntimeError, TypeError, ValueError) as error:
            problem = first_line(error)
            raise ConfigError(
                f"{where} cannot augment rows of shape {list(few.shape[1:])}: {problem}."
            ) from error
        if changed.shape != few.shape or changed.dtype != few.dtype:
            raise ConfigError(
                f"{where} makes {changed.dtype} of shape {list(changed.shape)} out of rows of "
                f"{few.dtype} and shape {list(few.shape)}; an augmentation keeps both."
            )


def _check_optimizer(key: str, recipe: Recipe) -> None:
    model = recipe.initial()
    if next(model.parameters(), None) is None:
        raise ConfigError(
            f"{key}: {type(model).__name__} has no weights, so that nothing can be trained; name "
            "a model with torch.nn.Parameters."
        )
    try:
        recipe.settings.optimizer(recipe.initial().parameters())
    except (TypeError, ValueError) as error:
        problem = first_line(error)
        raise ConfigError(f"{key}.optimizer cannot be built: {problem}.") from error


def _check_monitor(key: str, recipe: Recipe, dataset: Dataset) -> None:
    """The control has labels alone, and keeps its best epoch by the student's setting."""
    metrics = ValidationMetrics(dataset.blocks, len(dataset.classes))
    row = dataset.splits["validation"].rows(slice(1))
    metrics.update(torch.zeros(1, len(dataset.classes)), row)
    known = [f"val/{name}" for name in ("loss", LABELS, *metrics.compute())]
    if recipe.settings.monitor not in known:
        raise ConfigError(unknown_name(f"value in {key}.monitor", recipe.settings.monitor, known))
