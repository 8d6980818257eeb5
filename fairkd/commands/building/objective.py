"""What a student learns from: its terms, constraints and mitigations."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from omegaconf import DictConfig
from torch import Tensor

from fairkd.commands.building.made import made, parameters_of
from fairkd.data.blocks import Blocks
from fairkd.data.dataset import Dataset
from fairkd.distillation.term import DistillationTerm
from fairkd.errors import ConfigError
from fairkd.evaluation.reference import with_references
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.fairness.mitigation import Mitigation
from fairkd.fairness.term import FairnessTerm
from fairkd.training.objective import Objective


def build_objective(
    config: DictConfig,
    dataset: Dataset,
    start: Mapping[str, Tensor],
    aims: Mapping[str, float] = MappingProxyType({}),
) -> Objective:
    """The objective of a configuration.

    Args:
        config: composed.
        dataset: whose classes and group blocks terms, constraints and mitigations are about.
        start: the student's starting weights.
        aims: thresholds that take the place of the configured ones, by the constraint's name.
    """
    distillation = config.distillation
    return Objective(
        label_weight=_label_weight(distillation),
        terms={
            str(name): term_of(f"distillation.terms.{name}", term, dataset.blocks)
            for name, term in distillation.terms.items()
        },
        constraints={
            str(name): constraint_of(f"constraint.terms.{name}", term, dataset, aims.get(str(name)))
            for name, term in config.constraint.terms.items()
        },
        mitigations={
            str(name): _mitigation(f"mitigation.terms.{name}", term, dataset)
            for name, term in config.mitigation.terms.items()
        },
        start_epoch=distillation.start_epoch,
        schedule=made("distillation.schedule", distillation.schedule),
        pull=distillation.init_pull,
        start=start if distillation.init == "teacher" else None,
    )


def _label_weight(distillation: DictConfig) -> float:
    if distillation.label_weight is not None:
        return float(distillation.label_weight)
    return 1.0 if distillation.alpha is None else 1.0 - distillation.alpha


def term_of(key: str, section: DictConfig, blocks: Blocks) -> DistillationTerm:
    """A distillation term that knows the data's groups.

    Raises:
        ConfigError: another object, or a block that the data lacks.
    """
    term = made(key, section)
    if not isinstance(term, DistillationTerm):
        raise ConfigError(
            f"{key}._target_={section._target_} is no distillation term; "
            "derive it from fairkd.distillation.term.DistillationTerm."
        )
    try:
        term.find_groups(blocks)
    except ConfigError as error:
        raise ConfigError(f"{key}.by: {error}") from error
    return term


def constraint_of(
    key: str, section: DictConfig, dataset: Dataset, aim: float | None = None
) -> FairnessTerm:
    """What the objective adds about groups.

    Args:
        key: of its section.
        section: its configuration.
        dataset: whose blocks and classes it is about.
        aim: the threshold that training keeps in place of the configured one.

    Raises:
        ConfigError: another object.
    """
    given: dict[str, Any] = {"blocks": dataset.blocks}
    if aim is not None:
        given["threshold"] = aim
    asked = parameters_of(section)
    if "n_classes" in asked:
        given["n_classes"] = len(dataset.classes)
    if "reference" in asked and section.get("reference") is None:
        block = dataset.blocks.named(section.get("by"))
        # The largest cell in training; evaluation.reference_group is about the record alone.
        found = with_references(EvaluationSettings(), dataset).reference_group or {}
        given["reference"] = found[block.name]
    constraint = made(key, section, **given)
    if not isinstance(constraint, FairnessTerm):
        raise ConfigError(
            f"{key}._target_={section._target_} is no constraint; derive it from "
            "fairkd.fairness.constraint.Constraint, or from fairkd.fairness.term.FairnessTerm."
        )
    return constraint


def _mitigation(key: str, section: DictConfig, dataset: Dataset) -> Mitigation:
    asked = parameters_of(section)
    known = {"blocks": dataset.blocks, "n_classes": len(dataset.classes)}
    given = {name: value for name, value in known.items() if name in asked}
    mitigation = made(key, section, **given)
    if not isinstance(mitigation, Mitigation):
        raise ConfigError(
            f"{key}._target_={section._target_} is no mitigation; derive it from one of the kinds "
            "in fairkd.fairness.mitigation."
        )
    return mitigation
