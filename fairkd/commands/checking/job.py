"""Refuse, before anything heavy is imported, every configured value that cannot work."""

import re
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from fairkd import checks
from fairkd.commands.checking.baseline import check_baseline
from fairkd.commands.checking.compression import check_compression
from fairkd.commands.checking.constraint import check_constraint
from fairkd.commands.checking.data import check_data, check_readers
from fairkd.commands.checking.distillation import check_distillation
from fairkd.commands.checking.mitigation import check_mitigation
from fairkd.commands.checking.shared import SHARED_KNOBS, check_used, keys_of_base
from fairkd.commands.checking.teacher import check_teacher
from fairkd.commands.checking.trainer import check_augmentation, check_layers, check_trainer
from fairkd.commands.checking.values import Section, resolved
from fairkd.errors import ConfigError, unknown_name
from fairkd.evaluation.settings import EvaluationSettings

FORCES = ("none", "student", "all")
KERNELS = ("exact", "fast")
FIGURES = ("auto", "all", "none")
ROOT_KEYS = {
    "data", "teacher", "student", "distillation", "constraint", "mitigation", "compression",
    "baseline",
    "augmentation", "trainer", "evaluation", "tracking", "paths", "callbacks", "stack", "sweep",
    "seed", "replicate", "force", "dry_run",
}  # fmt: skip
LISTED = ("distillation", "constraint", "mitigation", "compression", "augmentation")
"""Groups of which several files compose."""


def check(config: DictConfig) -> dict[str, Any]:
    """Check a composed job, and return it as plain values.

    Args:
        config: the job as Hydra composed it, without Hydra's own section.

    Raises:
        ConfigError: naming the key, the value and what is accepted.
    """
    values = resolved(config)
    _check_keys(config)
    _check_choices()
    for name in ("replicate", "seed"):
        checks.whole(name, values[name], most=checks.LARGEST_SEED)
    checks.choice("force", values["force"], FORCES)
    _check_flag("dry_run", values["dry_run"])
    _check_sweep(values["sweep"])
    checks.choice("stack.kernels", values["stack"]["kernels"], KERNELS)
    checks.choice("tracking.figures", values["tracking"].get("figures", "auto"), FIGURES)
    check_data(values["data"])
    check_layers("student", values["student"])
    check_augmentation("augmentation", values["augmentation"])
    check_trainer("trainer", values["trainer"])
    check_teacher("teacher", values["teacher"], values["data"]["groups"])
    _check_evaluation(values["evaluation"])
    check_distillation(values["distillation"], values["trainer"]["max_epochs"])
    check_constraint(values["constraint"], values["data"]["groups"])
    check_mitigation(values["mitigation"], values["data"]["groups"])
    check_compression(values["compression"])
    check_baseline(values["baseline"], values["data"]["groups"])
    check_readers(values)
    _check_certified(values)
    for section, knobs in SHARED_KNOBS.items():
        check_used(config, section, knobs)
    return values


def _check_keys(config: DictConfig) -> None:
    """Refuse keys added with ``+`` where nothing would read them."""
    shared = {name: keys_of_base(name) for name in SHARED_KNOBS}
    for section, known in {"": ROOT_KEYS, **shared}.items():
        values = config[section] if section else config
        for key in values:
            if key not in known:
                kind = f"key in {section}" if section else "key"
                raise ConfigError(unknown_name(kind, key, map(str, known)))


def _check_choices() -> None:
    """Refuse lists of group files that repeat or contradict each other."""
    if not HydraConfig.initialized():
        return
    for word in HydraConfig.get().overrides.task:
        group, _, chosen = str(word).partition("=")
        names = [name.strip() for name in chosen.strip("[]").split(",")]
        odd = len(names) > len(set(names)) or ("none" in names and len(names) > 1)
        if group in LISTED and odd:
            raise ConfigError(
                f"{group}=[{','.join(names)}] repeats or contradicts itself; "
                "name each choice once, and none only by itself."
            )


def _check_flag(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise ConfigError(f"{name}={value} is not known; accepted: true, false.")


def _check_certified(values: Section) -> None:
    """Refuse what puts another model into the certified student's place."""
    if values["constraint"]["confidence"] is None:
        return
    for name, chosen in {
        "compression": bool(values["compression"]["steps"]),
        "baseline": values["baseline"].get("_target_") is not None,
    }.items():
        if chosen:
            raise ConfigError(
                f"constraint.confidence certifies the student, and {name} puts another model into "
                "its place, of which nothing would be certified; leave one of the two out."
            )


def _check_sweep(sweep: Section) -> None:
    _check_flag("sweep.allow_refused", sweep["allow_refused"])
    for name in ("id", "parent"):
        value = sweep[name]
        if value is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", str(value)):
            raise ConfigError(
                f"sweep.{name}={value} cannot be a name; accepted: up to 64 letters, digits, dots, "
                "dashes and underscores."
            )


def _check_evaluation(evaluation: Section) -> None:
    if evaluation.get("_target_") == "fairkd.evaluation.settings.EvaluationSettings":
        EvaluationSettings(**{k: v for k, v in evaluation.items() if not k.startswith("_")})
