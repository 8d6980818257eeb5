"""Assemble a job's objects from its configuration."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from fairkd.baselines.baseline import Baseline
from fairkd.commands.building.bounds import aims_of, bounds_of, certifier_of
from fairkd.commands.building.made import made
from fairkd.commands.building.models import (
    builder,
    device_kind,
    devices_above,
    teacher_of,
    trainer_of,
)
from fairkd.commands.building.naming import headline_of, name_of
from fairkd.commands.building.objective import build_objective
from fairkd.commands.checking.values import resolved
from fairkd.commands.workshop import Workshop
from fairkd.errors import ConfigError
from fairkd.evaluation.reference import with_references
from fairkd.identity import Surroundings, job_keys
from fairkd.job import Job, SweepPlace
from fairkd.training.compress import Compression
from fairkd.training.distil import Distillation, Recipe


def build_job(
    config: DictConfig,
    output: Path,
    workshop: Workshop,
    plain: Mapping[str, Any] | None = None,
    words: Sequence[str] = (),
) -> Job:
    """The job that a checked configuration describes.

    Args:
        config: composed, without Hydra's own section.
        output: the job's folder.
        workshop: where loaded data sets, and settings, are remembered.
        plain: the same configuration as plain values, where they are known.
        words: what was typed for it.

    Raises:
        FairkdError: the data cannot be loaded, or a target refuses its arguments.
    """
    plain = plain or resolved(config)
    dataset = workshop.dataset(plain["data"], lambda: made("data", config.data))

    def settings(key: str, section: DictConfig, values: Any) -> Any:
        return workshop.settings(values, lambda: made(key, section))

    def trainer(key: str, section: DictConfig, values: Any) -> Any:
        return workshop.settings(values, lambda: trainer_of(key, section, config.augmentation))

    around = Surroundings(
        dataset.fingerprint,
        device=device_kind(config.trainer.accelerator),
        teacher_device=device_kind(config.teacher.trainer.accelerator),
        devices_above=tuple(devices_above(config.teacher)),
    )
    keys = job_keys(_placeless(plain, str(output)), around)
    baseline = _baseline(config.baseline)
    bounds = bounds_of(config, dataset, baseline)
    certifier = certifier_of(config, dataset, bounds)
    objective = partial(build_objective, config, dataset, aims=aims_of(config, certifier, dataset))
    return Job(
        name=name_of(plain, baseline),
        config=plain,
        keys=keys,
        dataset=dataset,
        teacher=teacher_of("teacher", config.teacher, plain["teacher"], dataset, trainer),
        student=Recipe(
            build=builder("student", config.student, dataset),
            settings=trainer("trainer", config.trainer, plain["trainer"]),
            seed=config.seed,
            callbacks=partial(_callbacks, config.callbacks),
        ),
        distillation=Distillation(
            objective=objective,
            from_teacher=config.distillation.init == "teacher",
            certifier=certifier,
        ),
        compression={
            str(name): _step(f"compression.steps.{name}", step)
            for name, step in config.compression.steps.items()
        },
        baseline=baseline,
        evaluation=with_references(
            settings("evaluation", config.evaluation, plain["evaluation"]), dataset
        ),
        headline=headline_of(plain, bounds, baseline, dataset.blocks),
        bounds=bounds,
        force=config.force,
        output=output,
        sweep=SweepPlace(config.sweep.id, config.sweep.parent),
        words=tuple(words),
    )


def _step(key: str, section: DictConfig) -> Compression:
    step = made(key, section)
    if not isinstance(step, Compression):
        raise ConfigError(
            f"{key}._target_={section._target_} is no step of compression; it needs the methods of "
            "fairkd.training.compress.Compression."
        )
    return step


def _baseline(section: DictConfig) -> Baseline | None:
    if section.get("_target_") is None:
        return None
    baseline = made("baseline", section)
    if not isinstance(baseline, Baseline):
        raise ConfigError(
            f"baseline._target_={section._target_} is no baseline; it needs the methods of "
            "fairkd.baselines.baseline.Baseline."
        )
    return baseline


def _callbacks(section: DictConfig) -> Sequence[Any]:
    return [made(f"callbacks.{name!s}", callback) for name, callback in section.items()]


def _placeless(value: Any, output: str) -> Any:
    """The same without the job's folder, which a callback may write to and no result depends on."""
    if isinstance(value, Mapping):
        return {name: _placeless(item, output) for name, item in value.items()}
    if isinstance(value, list):
        return [_placeless(item, output) for item in value]
    return value.replace(output, "<output>") if isinstance(value, str) else value
