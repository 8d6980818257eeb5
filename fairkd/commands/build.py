"""Assemble a job's objects from its configuration."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig
from torch import Tensor, nn

from fairkd.commands.checks import resolved
from fairkd.commands.workshop import Workshop
from fairkd.data.blocks import Blocks
from fairkd.data.dataset import Dataset
from fairkd.distillation.term import DistillationTerm
from fairkd.errors import ConfigError, FairkdError
from fairkd.evaluation.reference import with_references
from fairkd.experiment import Job, SweepPlace
from fairkd.fairness.names import RECORDED_AS
from fairkd.identity import Surroundings, job_keys
from fairkd.models.inputs import input_of
from fairkd.record import Headline
from fairkd.tracking.interface import Tracking
from fairkd.training.balance import Balance
from fairkd.training.distil import Distillation, Recipe
from fairkd.training.objective import Objective


def build_job(
    config: DictConfig,
    output: Path,
    workshop: Workshop,
    plain: Mapping[str, Any] | None = None,
) -> Job:
    """The job that a checked configuration describes.

    Args:
        config: composed, without Hydra's own section.
        output: the job's folder.
        workshop: where loaded data sets, and settings, are remembered.
        plain: the same configuration as plain values, where they are known.

    Raises:
        FairkdError: the data cannot be loaded, or a target refuses its arguments.
    """
    plain = plain or resolved(config)
    dataset = workshop.dataset(plain["data"], lambda: _made("data", config.data))

    def settings(key: str, section: DictConfig, values: Any) -> Any:
        return workshop.settings(values, lambda: _made(key, section))

    around = Surroundings(
        dataset.fingerprint,
        device=device_kind(config.trainer.accelerator),
        teacher_device=device_kind(config.teacher.trainer.accelerator),
    )
    keys = job_keys(_placeless(plain, str(output)), around)
    objective = partial(build_objective, config, dataset.blocks)
    return Job(
        name=_name(plain),
        config=plain,
        keys=keys,
        dataset=dataset,
        teacher=Recipe(
            build=_builder("teacher.model", config.teacher.model, dataset),
            settings=settings(
                "teacher.trainer", config.teacher.trainer, plain["teacher"]["trainer"]
            ),
            seed=config.teacher.seed,
            balance=_balance(plain["teacher"]),
        ),
        student=Recipe(
            build=_builder("student", config.student, dataset),
            settings=settings("trainer", config.trainer, plain["trainer"]),
            seed=config.seed,
            callbacks=partial(_callbacks, config.callbacks),
        ),
        distillation=Distillation(
            objective=objective, from_teacher=config.distillation.init == "teacher"
        ),
        evaluation=with_references(
            settings("evaluation", config.evaluation, plain["evaluation"]), dataset
        ),
        headline=_headline(plain, dataset.blocks),
        force=config.force,
        output=output,
        sweep=SweepPlace(config.sweep.id, config.sweep.parent),
    )


def _placeless(value: Any, output: str) -> Any:
    """The same without the job's folder, which a callback may write to and no result depends on."""
    if isinstance(value, Mapping):
        return {name: _placeless(item, output) for name, item in value.items()}
    if isinstance(value, list):
        return [_placeless(item, output) for item in value]
    return value.replace(output, "<output>") if isinstance(value, str) else value


def build_tracking(config: DictConfig) -> Tracking:
    """The tracking store."""
    tracking: Tracking = _made("tracking", config.tracking)
    return tracking


def build_objective(config: DictConfig, blocks: Blocks, start: Mapping[str, Tensor]) -> Objective:
    """The objective of a configuration.

    Args:
        config: composed.
        blocks: the data's group blocks.
        start: the student's starting weights.
    """
    distillation = config.distillation
    return Objective(
        label_weight=_label_weight(distillation),
        terms={
            str(name): _term(str(name), term, blocks) for name, term in distillation.terms.items()
        },
        constraints={
            str(name): _made(f"constraint.terms.{name}", term, blocks=blocks)
            for name, term in config.constraint.terms.items()
        },
        start_epoch=distillation.start_epoch,
        schedule=_made("distillation.schedule", distillation.schedule),
        pull=distillation.init_pull,
        start=start if distillation.init == "teacher" else None,
    )


def _label_weight(distillation: DictConfig) -> float:
    if distillation.label_weight is not None:
        return float(distillation.label_weight)
    return 1.0 if distillation.alpha is None else 1.0 - distillation.alpha


def _term(name: str, section: DictConfig, blocks: Blocks) -> DistillationTerm:
    term = _made(f"distillation.terms.{name}", section)
    if not isinstance(term, DistillationTerm):
        raise ConfigError(
            f"distillation.terms.{name}._target_={section._target_} is no distillation term; "
            "derive it from fairkd.distillation.term.DistillationTerm."
        )
    try:
        term.find_groups(blocks)
    except ConfigError as error:
        raise ConfigError(f"distillation.terms.{name}.by: {error}") from error
    return term


def device_kind(accelerator: str) -> str:
    """The kind of device an accelerator means here: results of different kinds are kept apart."""
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    if accelerator in ("auto", "gpu", "mps") and torch.backends.mps.is_available():
        return "mps"
    return "cpu" if accelerator == "auto" else str(accelerator)


def _builder(key: str, section: DictConfig, dataset: Dataset) -> Callable[[], nn.Module]:
    return lambda: _made(
        key, section, **_input(section, dataset.shape), n_classes=len(dataset.classes)
    )


def _input(section: DictConfig, shape: Sequence[int]) -> dict[str, Any]:
    try:
        return input_of(get_object(section._target_), shape)
    except (ImportError, ValueError, AttributeError):  # instantiating it will say what is wrong
        return {}


def _balance(teacher: Mapping[str, Any]) -> Balance | None:
    section = teacher.get("balance")
    return Balance(**section) if section and section["by"] is not None else None


def _callbacks(section: DictConfig) -> Sequence[Any]:
    return [_made(f"callbacks.{name!s}", callback) for name, callback in section.items()]


def _made(key: str, section: DictConfig, **arguments: Any) -> Any:
    """Instantiate a section's target.

    Raises:
        FairkdError: what the target itself refused, in its words; otherwise naming the key.
    """
    try:
        return _instantiated(key, section, arguments)
    except FairkdError as error:
        raise _located(key, section, error) from error


def _instantiated(key: str, section: DictConfig, arguments: Mapping[str, Any]) -> Any:
    try:
        # Hydra would turn a dataclass among its arguments into a configuration; a partial takes it
        # as it is.
        return instantiate(section, _partial_=True)(**arguments)
    except InstantiationException as error:
        if isinstance(error.__cause__, FairkdError):
            raise error.__cause__ from error
        raise _unbuildable(key, section, error.__cause__ or error) from error
    except TypeError as error:
        raise _unbuildable(key, section, error) from error


def _located(key: str, section: DictConfig, error: FairkdError) -> FairkdError:
    """The same refusal with its argument under the key that the user can change."""
    text = str(error)
    if text.partition("=")[0] in section:
        return type(error)(f"{key}.{text}")
    return error


def _unbuildable(key: str, section: DictConfig, error: BaseException) -> ConfigError:
    problem = " ".join(str(error).splitlines()[:2]).rstrip(".")
    return ConfigError(f"{key} ({section.get('_target_')}) cannot be built: {problem}.")


def _headline(plain: Mapping[str, Any], blocks: Blocks) -> Headline:
    """The disparity of the first constraint, or the parity gap of the first block."""
    for term in plain["constraint"]["terms"].values():
        if term.get("statistic") in RECORDED_AS:
            return Headline(RECORDED_AS[term["statistic"]], blocks.named(term.get("by")).name)
    return Headline(RECORDED_AS["selection_rate"], blocks.names[0])


def _name(plain: Mapping[str, Any]) -> str:
    """A readable name: the data, then what sweeps vary."""
    distillation, constraint = plain["distillation"], plain["constraint"]
    parts = [plain["data"].get("name", "data")]
    if distillation["temperature"] is not None:
        parts.append(f"T{distillation['temperature']:g}")
    parts += [name for name in distillation["terms"] if name != "soft_targets"]
    if distillation["init"] == "teacher":
        parts.append("init")
    if constraint["weight"] is not None:
        parts.append(f"w{constraint['weight']:g}")
    parts += [term["by"] for term in constraint["terms"].values() if term.get("by")]
    network = str(plain["student"].get("_target_"))
    if not network.startswith("fairkd."):
        parts.append(network.rpartition(".")[2])
    return "·".join([*dict.fromkeys(parts), f"s{plain['seed']}"])
