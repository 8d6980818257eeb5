"""Refuse a teacher that cannot work, or settings of a training that it does not have."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from hydra.core.hydra_config import HydraConfig

from fairkd import checks
from fairkd.commands.checking.given import check_given
from fairkd.commands.checking.shared import section_of_base
from fairkd.commands.checking.trainer import check_layers, check_trainer
from fairkd.commands.checking.values import Section
from fairkd.errors import ConfigError, unknown_name
from fairkd.identity import FITTED_AT_ONCE
from fairkd.training.ranges import check_balance

_LESSON = ("label_weight", "terms")


def check_teacher(key: str, teacher: Section, blocks: Iterable[str]) -> None:
    """Check a teacher and, where it has one, its own teacher."""
    checks.whole(f"{key}.seed", teacher["seed"], most=checks.LARGEST_SEED)
    check_layers(f"{key}.model", teacher["model"])
    _check_not_trained(key, teacher)
    _check_balance(f"{key}.balance", teacher, blocks)
    if "trainer" in teacher:
        check_trainer(f"{key}.trainer", teacher["trainer"])
    if "teacher" not in teacher:
        return
    lesson = teacher["distillation"]
    for name in lesson:
        if name not in _LESSON:
            raise ConfigError(unknown_name(f"key in {key}.distillation", name, _LESSON))
    checks.number(f"{key}.distillation.label_weight", lesson["label_weight"], least=0.0)
    if not lesson["terms"]:
        raise ConfigError(
            f"{key}.distillation.terms is empty, so an assistant learns nothing from its teacher; "
            "give a term, or another teacher."
        )
    check_teacher(f"{key}.teacher", teacher["teacher"], blocks)


def _check_balance(prefix: str, teacher: Section, blocks: Iterable[str]) -> None:
    base = section_of_base("teacher", "balance")
    given = {**base, **teacher.get("balance", {})}
    for key in given:
        if key not in base:
            raise ConfigError(unknown_name(f"key in {prefix}", key, base))
    check_balance(given, f"{prefix}.")
    by = given["by"]
    if by is None:
        for key, value in given.items():
            if value != base[key]:
                raise ConfigError(
                    f"{prefix}.{key}={checks.as_typed(value)} has no effect while {prefix}.by is "
                    f"null; name a group block there, or leave the key at "
                    f"{checks.as_typed(base[key])}."
                )
        return
    if by not in blocks:
        sentence = unknown_name(f"group block in {prefix}.by", by, blocks)
        raise ConfigError(f"{sentence} The data's blocks are set by data.groups.")
    known = teacher["model"].get("members")
    for name in (given["members"] or ()) if isinstance(known, Mapping) else ():
        if name not in known:
            raise ConfigError(unknown_name(f"member in {prefix}.members", name, known))


def _check_not_trained(prefix: str, teacher: Section) -> None:
    """Refuse a file that is not there, and settings of a training that a teacher does not have."""
    if "given" in teacher:
        check_given(prefix, teacher)
        why = "its answers are given"
        ignored: tuple[str, ...] = ("trainer", "seed", "balance", "model")
    elif teacher.get("weights") is not None:
        if not Path(str(teacher["weights"])).is_file():
            raise ConfigError(
                f"{prefix}.weights={teacher['weights']} is no file; give one with trained weights, "
                "or null."
            )
        why = f"{prefix}.weights gives it as it was trained"
        ignored = ("trainer", "seed", "balance", "teacher", "distillation")
    elif teacher["model"].get("_target_") == FITTED_AT_ONCE:
        why = f"it is fitted at once: its settings are under {prefix}.model.estimator"
        ignored = ("trainer",)
    else:
        return
    if not HydraConfig.initialized():
        return
    for word in HydraConfig.get().overrides.task:
        key = str(word).partition("=")[0].lstrip("+~")
        if any(f"{key}.".startswith(f"{prefix}.{name}.") for name in ignored):
            raise ConfigError(f"{key} has no effect: the teacher is not trained, as {why}.")
