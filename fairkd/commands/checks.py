"""Refuse, before anything heavy is imported, every configured value that cannot work."""

import re
from collections.abc import Iterable, Mapping, Set
from functools import cache
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from fairkd import checks
from fairkd.commands.configuration import config_folder
from fairkd.data.group_spec import RareGroups, block_names
from fairkd.errors import ConfigError, unknown_name
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.fairness.names import DISPARITIES, STATISTICS, UNBOUNDED
from fairkd.identity import FITTED_AT_ONCE
from fairkd.training.ranges import check_balance, check_ranges

Section = Mapping[str, Any]
_LARGEST_FRACTION = 0.9
FORCES = ("none", "student", "all")
KERNELS = ("exact", "fast")
SCHEDULES = ("constant", "linear", "cosine")
ROOT_KEYS = {
    "data", "teacher", "student", "distillation", "constraint", "compression", "augmentation",
    "trainer", "evaluation", "tracking", "paths", "callbacks", "stack", "sweep", "seed",
    "replicate", "force", "dry_run",
}  # fmt: skip
LISTED = ("distillation", "constraint", "compression", "augmentation")
"""Groups of which several files compose."""
COMPRESSION_WORDS = {
    "granularity": ("weights", "units"),
    "teaches": ("objective", "labels"),
    "method": ("dynamic", "static"),
}
_LESSON = ("label_weight", "terms")
_TRIO = ("teacher", "control", "student", "transfer")
_STEP = re.compile(r"[A-Za-z]\w*", re.ASCII)
SHARED_KNOBS = {
    "distillation": ("alpha", "temperature", "temperature_scaling"),
    "constraint": ("statistic", "by", "disparity", "threshold", "weight"),
    "compression": (
        "sparsity", "granularity", "rounds", "epochs", "learning_rate", "teaches", "method",
    ),
}  # fmt: skip
_MEMBERS = {"distillation": "terms", "constraint": "terms", "compression": "steps"}


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
    _check_data(values["data"])
    _check_layers("student", values["student"])
    _check_augmentation("augmentation", values["augmentation"])
    _check_trainer("trainer", values["trainer"])
    _check_teacher("teacher", values["teacher"], values["data"]["groups"])
    _check_evaluation(values["evaluation"])
    _check_distillation(values["distillation"], values["trainer"]["max_epochs"])
    _check_constraint(values["constraint"], values["data"]["groups"])
    _check_compression(values["compression"])
    for section, knobs in SHARED_KNOBS.items():
        _check_used(config, section, knobs)
    return values


def _check_keys(config: DictConfig) -> None:
    """Refuse keys added with ``+`` where nothing would read them."""
    shared = {name: _keys_of_base(name) for name in SHARED_KNOBS}
    for section, known in {"": ROOT_KEYS, **shared}.items():
        values = config[section] if section else config
        for key in values:
            if key not in known:
                kind = f"key in {section}" if section else "key"
                raise ConfigError(unknown_name(kind, key, map(str, known)))


@cache
def _keys_of_base(section: str) -> Set[object]:
    return set(OmegaConf.load(config_folder() / "base" / f"{section}.yaml"))


@cache
def _section_of_base(section: str, name: str) -> dict[str, Any]:
    file = OmegaConf.load(config_folder() / "base" / f"{section}.yaml")
    return dict(OmegaConf.select(file, name))


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


def resolved(config: DictConfig) -> dict[str, Any]:
    """The configuration as plain values, with every interpolation filled in.

    Raises:
        ConfigError: an interpolation leads nowhere, or a mandatory value is missing.
    """
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        where = error.full_key or "the configuration"
        problem = str(error).splitlines()[0]
        raise ConfigError(f"{where} cannot be filled in: {problem}.") from error
    if not isinstance(plain, dict):
        raise ConfigError("The configuration is not a mapping; see conf/train.yaml.")
    return {str(key): value for key, value in plain.items()}


def _check_flag(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise ConfigError(f"{name}={value} is not known; accepted: true, false.")


def _check_sweep(sweep: Section) -> None:
    _check_flag("sweep.allow_refused", sweep["allow_refused"])
    for name in ("id", "parent"):
        value = sweep[name]
        if value is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", str(value)):
            raise ConfigError(
                f"sweep.{name}={value} cannot be a name; accepted: up to 64 letters, digits, dots, "
                "dashes and underscores."
            )


def _check_data(data: Section) -> None:
    if "seed" in data:
        checks.whole("data.seed", data["seed"], most=checks.LARGEST_SEED)
    for name in ("validation_fraction", "test_fraction"):
        if data.get(name) is not None:
            checks.number(f"data.{name}", data[name], above=0.0, most=_LARGEST_FRACTION)
    block_names(data["groups"])
    if "rare_groups" in data:
        RareGroups.of(data["rare_groups"])


def _check_teacher(key: str, teacher: Section, blocks: Iterable[str]) -> None:
    checks.whole(f"{key}.seed", teacher["seed"], most=checks.LARGEST_SEED)
    _check_layers(f"{key}.model", teacher["model"])
    _check_not_trained(key, teacher)
    _check_balance(f"{key}.balance", teacher, blocks)
    if "trainer" in teacher:
        _check_trainer(f"{key}.trainer", teacher["trainer"])
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
    _check_teacher(f"{key}.teacher", teacher["teacher"], blocks)


def _check_layers(prefix: str, model: Section) -> None:
    """The one value of a perceptron whose type its constructor cannot name in a user's words."""
    if model.get("_target_") != "fairkd.models.mlp.MLP" or "hidden" not in model:
        return
    hidden = model["hidden"]
    if not isinstance(hidden, list) or not hidden:
        raise ConfigError(
            f"{prefix}.hidden={hidden} is not a list of widths; accepted: one "
            "whole number for each hidden layer, at least one layer, as in "
            f"{prefix}.hidden=[64,32]."
        )
    for units in hidden:
        checks.whole(f"{prefix}.hidden", units, least=1)


def _check_balance(prefix: str, teacher: Section, blocks: Iterable[str]) -> None:
    base = _section_of_base("teacher", "balance")
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


def _check_trainer(prefix: str, trainer: Section) -> None:
    check_ranges(trainer, f"{prefix}.")
    _check_augmentation(f"{prefix}.augmentation", trainer.get("augmentation", {}))
    if "lr" in trainer["optimizer"]:
        checks.number(f"{prefix}.optimizer.lr", trainer["optimizer"]["lr"], above=0.0)
    if "weight_decay" in trainer["optimizer"]:
        decay = trainer["optimizer"]["weight_decay"]
        checks.number(f"{prefix}.optimizer.weight_decay", decay, least=0.0)


def _check_augmentation(key: str, augmentation: object) -> None:
    if not isinstance(augmentation, Mapping):
        raise ConfigError(
            f"{key}={checks.as_typed(augmentation)} is no mapping of names to augmentations; "
            "accepted: one, as in conf/augmentation, or {} for none."
        )
    for name, given in augmentation.items():
        if not isinstance(given, Mapping) or "_target_" not in given:
            raise ConfigError(
                f"{key}.{name}={checks.as_typed(given)} is no augmentation; accepted: a mapping "
                "with a _target_, as in conf/augmentation."
            )


def _check_evaluation(evaluation: Section) -> None:
    if evaluation.get("_target_") == "fairkd.evaluation.settings.EvaluationSettings":
        EvaluationSettings(**{k: v for k, v in evaluation.items() if not k.startswith("_")})


def _check_distillation(distillation: Section, max_epochs: int) -> None:
    prefix = "distillation"
    if distillation["temperature"] is not None:
        checks.number(f"{prefix}.temperature", distillation["temperature"], above=0.0)
    if distillation["alpha"] is not None:
        checks.number(f"{prefix}.alpha", distillation["alpha"], least=0.0, most=1.0)
    if distillation["temperature_scaling"] is not None:
        scalings = ("squared", "none")
        checks.choice(
            f"{prefix}.temperature_scaling", distillation["temperature_scaling"], scalings
        )
    start = checks.whole(f"{prefix}.start_epoch", distillation["start_epoch"])
    if start and not distillation["terms"]:
        raise ConfigError(
            f"{prefix}.start_epoch={start} has no effect without a distillation term; "
            "choose one (distillation=soft_targets) or leave the key at 0."
        )
    if start >= max_epochs:
        raise ConfigError(
            f"{prefix}.start_epoch={start} is never reached: epochs are counted from 0 and "
            f"trainer.max_epochs={max_epochs}; give a smaller one."
        )
    checks.choice(f"{prefix}.init", distillation["init"], ("fresh", "teacher"))
    pull = checks.number(f"{prefix}.init_pull", distillation["init_pull"], least=0.0)
    if pull and distillation["init"] == "fresh":
        raise ConfigError(
            f"{prefix}.init_pull={pull:g} has no effect on a fresh start; "
            "set distillation.init=teacher or leave the key at 0."
        )
    if distillation["label_weight"] is not None:
        checks.number(f"{prefix}.label_weight", distillation["label_weight"], least=0.0)
    _check_schedules(distillation)
    for name, term in distillation["terms"].items():
        checks.number(f"{prefix}.terms.{name}.weight", term.get("weight", 0.0), least=0.0)


def _check_schedules(distillation: Section) -> None:
    """Refuse a schedule out of range, or one that changes nothing."""
    terms = distillation["terms"]
    followed = {
        "schedule": bool(terms),
        "temperature_schedule": any("schedule" in term for term in terms.values()),
    }
    for name, is_followed in followed.items():
        key, schedule = f"distillation.{name}", distillation[name]
        checks.choice(f"{key}.shape", schedule["shape"], SCHEDULES)
        checks.number(f"{key}.end", schedule["end"], least=0.0)
        checks.whole(f"{key}.warmup", schedule["warmup"])
        if (schedule["shape"] == "constant") != (schedule["end"] == 1.0):
            raise ConfigError(
                f"{key}.shape={schedule['shape']} with {key}.end={schedule['end']} changes "
                "nothing; give a shape (linear, cosine) and an end other than 1, or neither."
            )
        if not is_followed and (schedule["warmup"] > 1 or schedule["end"] != 1.0):
            chosen = ", ".join(terms) or "none"
            what = "is weighted" if name == "schedule" else "has a temperature"
            raise ConfigError(
                f"{key} has no effect: nothing in distillation={chosen} {what}; leave the schedule "
                "constant or choose another distillation."
            )
    if distillation["temperature_schedule"]["end"] == 0:
        raise ConfigError(
            "distillation.temperature_schedule.end=0 leaves no temperature; accepted: a number "
            "above 0."
        )
    if distillation["schedule"]["end"] == 0 and _label_weight(distillation) == 0:
        raise ConfigError(
            "distillation.schedule.end=0 ends with nothing to learn, as the labels do not count "
            "beside these terms; give an end above 0, or distillation.label_weight."
        )


def _label_weight(distillation: Section) -> float:
    given, alpha = distillation["label_weight"], distillation["alpha"]
    if given is not None:
        return float(given)
    return 1.0 if alpha is None else 1.0 - float(alpha)


def _check_constraint(constraint: Section, blocks: Iterable[str]) -> None:
    knobs = {name: constraint[name] for name in SHARED_KNOBS["constraint"]}
    _check_constraint_values(
        "constraint", {k: v for k, v in knobs.items() if v is not None}, blocks
    )
    for name, term in constraint["terms"].items():
        _check_constraint_values(f"constraint.terms.{name}", term, blocks)


def _check_constraint_values(prefix: str, values: Section, blocks: Iterable[str]) -> None:
    if "statistic" in values:
        checks.choice(f"{prefix}.statistic", values["statistic"], STATISTICS)
    if "disparity" in values:
        checks.choice(f"{prefix}.disparity", values["disparity"], DISPARITIES)
    if "threshold" in values:
        most = None if values.get("statistic") in UNBOUNDED else 1.0
        checks.number(f"{prefix}.threshold", values["threshold"], least=0.0, most=most)
    if "weight" in values:
        checks.number(f"{prefix}.weight", values["weight"], least=0.0)
    if values.get("by") is not None and values["by"] not in blocks:
        sentence = unknown_name(f"group block in {prefix}.by", values["by"], blocks)
        raise ConfigError(f"{sentence} The data's blocks are set by data.groups.")


def _check_compression(compression: Section) -> None:
    prefix = "compression"
    if compression["sparsity"] is not None:
        checks.number(f"{prefix}.sparsity", compression["sparsity"], above=0.0, most=0.999)
    if compression["rounds"] is not None:
        checks.whole(f"{prefix}.rounds", compression["rounds"], least=1)
    if compression["epochs"] is not None:
        checks.whole(f"{prefix}.epochs", compression["epochs"])
    if compression["learning_rate"] is not None:
        checks.number(f"{prefix}.learning_rate", compression["learning_rate"], above=0.0)
    for knob, words in COMPRESSION_WORDS.items():
        if compression[knob] is not None:
            checks.choice(f"{prefix}.{knob}", compression[knob], words)
    for name, step in compression["steps"].items():
        if not _STEP.fullmatch(str(name)) or name in _TRIO:
            raise ConfigError(
                f"{prefix}.steps.{name} cannot be reported under this name; accepted: letters, "
                f"digits and _, and none of {', '.join(_TRIO)}."
            )
        if not isinstance(step, Mapping) or "_target_" not in step:
            raise ConfigError(
                f"{prefix}.steps.{name}={checks.as_typed(step)} is no step; accepted: a section "
                "with a _target_, as in conf/compression."
            )
        unused = _unused(step)
        if unused is not None:
            key, why = unused
            raise ConfigError(f"{key} has no effect {why}; leave the key out.")


def _unused(step: Section) -> tuple[str, str] | None:
    """A knob of a step that changes nothing, and why."""
    if step.get("epochs") == 0:
        if step.get("learning_rate") is not None:
            return "compression.learning_rate", "with compression.epochs=0"
        if step.get("teaches", "objective") != "objective":
            return "compression.teaches", "with compression.epochs=0"
    return None


def _check_not_trained(prefix: str, teacher: Section) -> None:
    """Refuse a file that is not there, and settings of a training that a teacher does not have."""
    if teacher.get("weights") is not None:
        if not Path(str(teacher["weights"])).is_file():
            raise ConfigError(
                f"{prefix}.weights={teacher['weights']} is no file; give one with trained weights, "
                "or null."
            )
        why = f"{prefix}.weights gives it as it was trained"
        ignored: tuple[str, ...] = ("trainer", "seed", "balance", "teacher", "distillation")
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


def _defaults(section: str, knob: str, terms: Iterable[str]) -> list[object]:
    """What the files that bring these terms set a shared knob to."""
    names = set(terms)
    loaded = (OmegaConf.load(file) for file in (config_folder() / section).glob("*.yaml"))
    return [
        OmegaConf.select(file, knob)
        for file in loaded
        if set(OmegaConf.select(file, _MEMBERS[section], default={})) & names
    ]


def _check_used(config: DictConfig, section: str, knobs: Iterable[str]) -> None:
    """Refuse a shared knob that no chosen term refers to: it would change nothing."""
    members = config[section][_MEMBERS[section]]
    terms = OmegaConf.to_container(members, resolve=False)
    text = str(terms)
    for knob in knobs:
        key = f"{section}.{knob}"
        if config[section][knob] is None or f"${{{key}}}" in text:
            continue
        given = map(str, members)
        if terms and config[section][knob] in _defaults(section, knob, given):
            continue  # every term has a value of its own, and nobody set the shared one
        chosen = ", ".join(map(str, members)) or "none"
        raise ConfigError(
            f"{key}={config[section][knob]} has no effect: nothing in {section}={chosen} uses it; "
            f"leave the key out or choose another {section}."
        )
