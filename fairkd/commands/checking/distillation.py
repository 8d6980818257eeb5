"""Refuse distillation that cannot work, or changes nothing."""

from fairkd import checks
from fairkd.commands.checking.values import Section
from fairkd.errors import ConfigError

SCHEDULES = ("constant", "linear", "cosine")


def check_distillation(distillation: Section, max_epochs: int) -> None:
    """Check the section ``distillation``."""
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
