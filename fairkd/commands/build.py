"""Assemble a job's objects from its configuration."""

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig, open_dict
from torch import Tensor, nn

from fairkd.baselines.baseline import Baseline
from fairkd.commands.checking.values import resolved
from fairkd.commands.workshop import Workshop
from fairkd.data.blocks import Blocks
from fairkd.data.dataset import CERTIFY, Dataset
from fairkd.distillation.term import DistillationTerm
from fairkd.errors import ConfigError, FairkdError
from fairkd.evaluation.bound import Bound
from fairkd.evaluation.certificate import Certifier
from fairkd.evaluation.held import recorded_name
from fairkd.evaluation.reference import with_references
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.fairness.constraint import Constraint
from fairkd.fairness.mitigation import Mitigation
from fairkd.fairness.names import RECORDED_AS
from fairkd.fairness.term import FairnessTerm
from fairkd.identity import Surroundings, job_keys
from fairkd.job import Job, SweepPlace
from fairkd.models.inputs import input_of
from fairkd.record import FIGURES, Headline
from fairkd.tracking.interface import Tracking
from fairkd.training.balance import Balance
from fairkd.training.compress import Compression
from fairkd.training.distil import Distillation, Lesson, Recipe
from fairkd.training.fit import TrainerSettings
from fairkd.training.objective import Objective

TIGHTEN = 2.0
"""By how many of the smallest certifiable thresholds training aims below the threshold."""


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

    def trainer(key: str, section: DictConfig, values: Any) -> Any:
        return workshop.settings(values, lambda: _trainer(key, section, config.augmentation))

    around = Surroundings(
        dataset.fingerprint,
        device=device_kind(config.trainer.accelerator),
        teacher_device=device_kind(config.teacher.trainer.accelerator),
        devices_above=tuple(_devices_above(config.teacher)),
    )
    keys = job_keys(_placeless(plain, str(output)), around)
    baseline = _baseline(config.baseline)
    bounds = _bounds(config, dataset, baseline)
    certifier = _certifier(config, dataset, bounds)
    objective = partial(build_objective, config, dataset, aims=_aims(config, certifier, dataset))
    return Job(
        name=_name(plain, baseline),
        config=plain,
        keys=keys,
        dataset=dataset,
        teacher=_teacher("teacher", config.teacher, plain["teacher"], dataset, trainer),
        student=Recipe(
            build=_builder("student", config.student, dataset),
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
        headline=_headline(plain, bounds, baseline, dataset.blocks),
        bounds=bounds,
        force=config.force,
        output=output,
        sweep=SweepPlace(config.sweep.id, config.sweep.parent),
    )


def _teacher(
    key: str,
    section: DictConfig,
    plain: Mapping[str, Any],
    dataset: Dataset,
    settings: Callable[[str, DictConfig, Any], Any],
) -> Recipe:
    """A teacher's recipe, with that of its own teacher where it has one."""
    recipe = Recipe(
        build=_builder(f"{key}.model", section.model, dataset),
        settings=settings(f"{key}.trainer", section.trainer, plain["trainer"]),
        seed=section.seed,
        weights=Path(section.weights) if section.get("weights") is not None else None,
        balance=_balance(plain),
    )
    if "teacher" not in section or recipe.weights is not None:
        return recipe
    above = _teacher(f"{key}.teacher", section.teacher, plain["teacher"], dataset, settings)
    terms = section.distillation.terms

    def objective(_start: Mapping[str, Tensor]) -> Objective:
        where = f"{key}.distillation.terms"
        return Objective(
            label_weight=section.distillation.label_weight,
            terms={
                str(n): _term(f"{where}.{n}", term, dataset.blocks) for n, term in terms.items()
            },
        )

    return replace(recipe, lesson=Lesson(above, Distillation(objective)))


def _placeless(value: Any, output: str) -> Any:
    """The same without the job's folder, which a callback may write to and no result depends on."""
    if isinstance(value, Mapping):
        return {name: _placeless(item, output) for name, item in value.items()}
    if isinstance(value, list):
        return [_placeless(item, output) for item in value]
    return value.replace(output, "<output>") if isinstance(value, str) else value


def build_tracking(config: DictConfig) -> Tracking:
    """The tracking store."""
    section = copy(config.tracking)  # beside its place, for what it refers to
    with open_dict(section):
        section.pop(FIGURES, None)
    tracking: Tracking = _made("tracking", section)
    return tracking


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
            str(name): _term(f"distillation.terms.{name}", term, dataset.blocks)
            for name, term in distillation.terms.items()
        },
        constraints={
            str(name): _constraint(f"constraint.terms.{name}", term, dataset, aims.get(str(name)))
            for name, term in config.constraint.terms.items()
        },
        mitigations={
            str(name): _mitigation(f"mitigation.terms.{name}", term, dataset)
            for name, term in config.mitigation.terms.items()
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


def _term(key: str, section: DictConfig, blocks: Blocks) -> DistillationTerm:
    term = _made(key, section)
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


def _step(key: str, section: DictConfig) -> Compression:
    step = _made(key, section)
    if not isinstance(step, Compression):
        raise ConfigError(
            f"{key}._target_={section._target_} is no step of compression; it needs the methods of "
            "fairkd.training.compress.Compression."
        )
    return step


def _baseline(section: DictConfig) -> Baseline | None:
    if section.get("_target_") is None:
        return None
    baseline = _made("baseline", section)
    if not isinstance(baseline, Baseline):
        raise ConfigError(
            f"baseline._target_={section._target_} is no baseline; it needs the methods of "
            "fairkd.baselines.baseline.Baseline."
        )
    return baseline


def _bounds(config: DictConfig, dataset: Dataset, baseline: Baseline | None) -> dict[str, Bound]:
    """What the constraints are to keep, by name."""
    found = {}
    for name, term in config.constraint.terms.items():
        constraint = _constraint(f"constraint.terms.{name}", term, dataset)
        if not isinstance(constraint, Constraint):
            continue  # a measure of dependence has no bound
        found[str(name)] = Bound(
            constraint.statistic.name,
            constraint.disparity.__name__,
            constraint.block,
            float(term.get("threshold", constraint.threshold)),
            constraint.reference,
        )
    threshold = config.baseline.get("threshold")
    if not found and baseline is not None and threshold is not None:
        block = dataset.blocks.named(baseline.by)
        found["baseline"] = Bound(baseline.statistic, "largest_difference", block, float(threshold))
    return found


def _certifier(
    config: DictConfig, dataset: Dataset, bounds: Mapping[str, Bound]
) -> Certifier | None:
    """What tests the student's epochs; ``None`` where no confidence is asked for."""
    confidence = config.constraint.confidence
    if confidence is None:
        return None
    if CERTIFY not in dataset.splits:
        raise ConfigError(
            f"constraint.confidence={confidence} needs rows that neither train nor select, and "
            f"data={dataset.name} keeps none apart; set data.certify_fraction (0.2), or leave the "
            "confidence null."
        )
    threshold = config.evaluation.get("threshold", 0.5)
    return Certifier.over(
        bounds, dataset.splits[CERTIFY], len(dataset.classes), confidence, threshold
    )


def _aims(config: DictConfig, certifier: Certifier | None, dataset: Dataset) -> dict[str, float]:
    """What training aims at, so that the certifying rows will most likely agree.

    Of those rows only the number is used: what they could show is told from validation.
    """
    if certifier is None:
        return {}
    tighten = config.constraint.tighten
    share = TIGHTEN if tighten is None else tighten
    known, n_classes = dataset.splits["validation"], len(dataset.classes)
    found = {}
    for name, bound in certifier.bounds.items():
        rows, confidence = certifier.rows.size, certifier.confidence
        smallest = bound.smallest(known, n_classes, confidence, rows)
        if smallest < bound.threshold:  # else nothing would be gained by aiming lower
            found[name] = max(0.0, bound.threshold - share * smallest)
    return found


def _constraint(
    key: str, section: DictConfig, dataset: Dataset, aim: float | None = None
) -> FairnessTerm:
    given: dict[str, Any] = {"blocks": dataset.blocks}
    if aim is not None:
        given["threshold"] = aim
    asked = _parameters(section)
    if "n_classes" in asked:
        given["n_classes"] = len(dataset.classes)
    if "reference" in asked and section.get("reference") is None:
        block = dataset.blocks.named(section.get("by"))
        # The largest cell in training; evaluation.reference_group is about the record alone.
        found = with_references(EvaluationSettings(), dataset).reference_group or {}
        given["reference"] = found[block.name]
    constraint = _made(key, section, **given)
    if not isinstance(constraint, FairnessTerm):
        raise ConfigError(
            f"{key}._target_={section._target_} is no constraint; derive it from "
            "fairkd.fairness.constraint.Constraint, or from fairkd.fairness.term.FairnessTerm."
        )
    return constraint


def _mitigation(key: str, section: DictConfig, dataset: Dataset) -> Mitigation:
    asked = _parameters(section)
    known = {"blocks": dataset.blocks, "n_classes": len(dataset.classes)}
    given = {name: value for name, value in known.items() if name in asked}
    mitigation = _made(key, section, **given)
    if not isinstance(mitigation, Mitigation):
        raise ConfigError(
            f"{key}._target_={section._target_} is no mitigation; derive it from one of the kinds "
            "in fairkd.fairness.mitigation."
        )
    return mitigation


def _parameters(section: DictConfig) -> Collection[str]:
    """The arguments of a section's target, none of one that cannot be looked into."""
    try:
        return inspect.signature(get_object(section._target_)).parameters
    except (ImportError, ValueError, AttributeError, TypeError):  # making it will say what is wrong
        return ()


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


def _trainer(key: str, section: DictConfig, shared: DictConfig) -> TrainerSettings:
    """A trainer's settings, any refusal of an augmentation named by the key that brought it."""
    for name, augmentation in section.get("augmentation", {}).items():
        above = "augmentation" if augmentation == shared.get(name) else f"{key}.augmentation"
        _made(f"{above}.{name!s}", augmentation)
    settings: TrainerSettings = _made(key, section)
    return settings


def _devices_above(teacher: DictConfig) -> Iterator[str]:
    """The kinds of devices of a teacher's own teacher, and so on."""
    if "teacher" in teacher:
        yield device_kind(teacher.teacher.trainer.accelerator)
        yield from _devices_above(teacher.teacher)


def _balance(teacher: Mapping[str, Any]) -> Balance | None:
    section = teacher.get("balance")
    if not section or section["by"] is None or teacher.get("weights") is not None:
        return None
    return Balance(**section)


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


def _headline(
    plain: Mapping[str, Any],
    bounds: Mapping[str, Bound],
    baseline: Baseline | None,
    blocks: Blocks,
) -> Headline:
    """The disparity of the first constraint or of the baseline, or the first one's parity gap."""
    for bound in bounds.values():
        return Headline(recorded_name(bound.statistic, bound.disparity), bound.block.name)
    first: Mapping[str, Any] = next(iter(plain["constraint"]["terms"].values()), {})
    if not first and baseline is not None:
        recorded = RECORDED_AS.get(baseline.statistic, RECORDED_AS["selection_rate"])
        return Headline(recorded, blocks.named(baseline.by).name)
    statistic = "selection_rate" if first.get("given") is None else "equalized_odds"
    return Headline(RECORDED_AS[statistic], blocks.named(first.get("by")).name)


def _name(plain: Mapping[str, Any], baseline: Baseline | None) -> str:
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
    parts += plain["mitigation"]["terms"]
    if plain["mitigation"]["weight"] is not None:
        parts.append(f"m{plain['mitigation']['weight']:g}")
    parts += plain["augmentation"]
    parts += [term["by"] for term in constraint["terms"].values() if term.get("by")]
    for step in plain["compression"]["steps"]:
        share = plain["compression"]["sparsity"]
        parts.append(f"{step}{share:g}" if step == "pruned" and share is not None else step)
    if baseline is not None:
        bound = plain["baseline"].get("threshold")
        parts.append(baseline.rows[-1] + ("" if bound is None else f"{bound:g}"))
        parts += [baseline.by] if baseline.by is not None else []
    network = str(plain["student"].get("_target_"))
    if not network.startswith("fairkd."):
        parts.append(network.rpartition(".")[2])
    return "·".join([*dict.fromkeys(parts), f"s{plain['seed']}"])
