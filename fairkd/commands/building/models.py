"""Recipes of models: their networks, trainers, devices, and a teacher's own teachers."""

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from torch import Tensor, nn

from fairkd.commands.building.made import made, target_of, unbuildable
from fairkd.commands.building.objective import term_of
from fairkd.data.dataset import Dataset
from fairkd.data.torchvision_augmentation import TARGET, check_torchvision
from fairkd.errors import ConfigError, FairkdError
from fairkd.identity import is_given
from fairkd.models.given.given import Given
from fairkd.models.given.weights_file import WeightsFile
from fairkd.models.inputs import input_of
from fairkd.training.balance import Balance
from fairkd.training.distil import Distillation, Lesson, Recipe
from fairkd.training.fit import TrainerSettings
from fairkd.training.objective import Objective

_MODELS = (
    "a class, or a function, that makes a torch.nn.Module from in_features (or in_shape) and "
    "n_classes."
)


def teacher_of(
    key: str,
    section: DictConfig,
    plain: Mapping[str, Any],
    dataset: Dataset,
    settings: Callable[[str, DictConfig, Any], Any],
) -> Recipe:
    """A teacher's recipe, with that of its own teacher where it has one."""
    recipe = Recipe(
        build=builder(f"{key}.model", section.model, dataset),
        settings=settings(f"{key}.trainer", section.trainer, plain["trainer"]),
        seed=section.seed,
        given=_given(key, section),
        balance=_balance(plain),
    )
    if "teacher" not in section or recipe.given is not None:
        return recipe
    above = teacher_of(f"{key}.teacher", section.teacher, plain["teacher"], dataset, settings)
    terms = section.distillation.terms

    def objective(_start: Mapping[str, Tensor]) -> Objective:
        where = f"{key}.distillation.terms"
        return Objective(
            label_weight=section.distillation.label_weight,
            terms={
                str(n): term_of(f"{where}.{n}", term, dataset.blocks) for n, term in terms.items()
            },
        )

    return replace(recipe, lesson=Lesson(above, Distillation(objective)))


def builder(key: str, section: DictConfig, dataset: Dataset) -> Callable[[], nn.Module]:
    """What makes an untrained model for a data set's rows and classes.

    It raises `ConfigError` where the target cannot be built, or is no model.
    """

    def build() -> nn.Module:
        target = target_of(section)
        given: dict[str, Any] = {} if target is None else input_of(target, dataset.shape)
        given["n_classes"] = len(dataset.classes)
        untaken = _untaken(target, given)
        if untaken:
            raise ConfigError(
                f"{key} ({section._target_}) takes no {untaken[0]}; accepted: {_MODELS}"
            )
        try:
            model = made(key, section, **given)
        except FairkdError:
            raise
        except Exception as error:  # whatever the user's own code raises
            raise unbuildable(key, section, error) from error
        if not isinstance(model, nn.Module):
            raise ConfigError(
                f"{key} ({section._target_}) makes a {type(model).__name__}; accepted: {_MODELS}"
            )
        return model

    return build


def _untaken(target: Any, given: Collection[str]) -> list[str]:
    """What a callable has no argument for, as far as it can be looked into."""
    try:
        parameters = inspect.signature(target).parameters
    except (TypeError, ValueError):
        return []
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
        return []
    return [name for name in given if name not in parameters]


def trainer_of(key: str, section: DictConfig, shared: DictConfig) -> TrainerSettings:
    """A trainer's settings, any refusal of an augmentation named by the key that brought it."""
    for name, augmentation in section.get("augmentation", {}).items():
        if augmentation.get("_target_") == TARGET:
            check_torchvision()  # before Hydra, whose error would not say what to install
        above = "augmentation" if augmentation == shared.get(name) else f"{key}.augmentation"
        made(f"{above}.{name!s}", augmentation)
    settings: TrainerSettings = made(key, section)
    return settings


def device_kind(accelerator: str) -> str:
    """The kind of device an accelerator means here: results of different kinds are kept apart."""
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    if accelerator in ("auto", "gpu", "mps") and torch.backends.mps.is_available():
        return "mps"
    return "cpu" if accelerator == "auto" else str(accelerator)


def devices_above(teacher: DictConfig) -> Iterator[str]:
    """The kinds of devices of a teacher's own teacher, and so on."""
    if "teacher" in teacher:
        yield device_kind(teacher.teacher.trainer.accelerator)
        yield from devices_above(teacher.teacher)


def _given(key: str, section: DictConfig) -> Given | None:
    if section.get("weights") is not None:
        return WeightsFile(Path(section.weights))
    return made(f"{key}.given", section.given) if "given" in section else None


def _balance(teacher: Mapping[str, Any]) -> Balance | None:
    section = teacher.get("balance")
    if not section or section["by"] is None or is_given(teacher):
        return None
    return Balance(**section)
