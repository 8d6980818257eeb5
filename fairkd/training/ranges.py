"""What the values of a training may be, importable without torch."""

from collections.abc import Mapping
from typing import Any

from fairkd import checks
from fairkd.errors import ConfigError


def check_ranges(values: Mapping[str, Any], prefix: str = "") -> None:
    """Check a trainer's values by name.

    Args:
        values: those of `fairkd.training.fit.TrainerSettings`; others are ignored.
        prefix: stands before each name in a sentence (``trainer.``).

    Raises:
        ConfigError: a value out of its range.
    """
    for name in ("max_epochs", "batch_size", "evaluation_batch_size", "threads"):
        checks.whole(f"{prefix}{name}", values[name], least=1)
    checks.choice(f"{prefix}mode", values["mode"], ("min", "max"))
    checks.choice(f"{prefix}progress", values["progress"], ("auto", "on", "off"))
    if values["patience"] is not None:
        checks.whole(f"{prefix}patience", values["patience"], least=1)
    if values["gradient_clip_val"] is not None:
        checks.number(f"{prefix}gradient_clip_val", values["gradient_clip_val"], above=0.0)


def check_balance(values: Mapping[str, Any], prefix: str = "") -> None:
    """Check by name the values of `fairkd.training.balance.Balance` that need no data.

    Args:
        values: those values; ``by`` is ignored.
        prefix: stands before each name in a sentence (``teacher.balance.``).

    Raises:
        ConfigError: a value out of its range.
    """
    checks.choice(f"{prefix}rows", values["rows"], ("train", "validation"))
    checks.number(f"{prefix}C", values["C"], above=0.0)
    members = values["members"]
    named = isinstance(members, list | tuple) and members
    if members is not None and not (named and all(isinstance(name, str) for name in members)):
        raise ConfigError(
            f"{prefix}members={checks.as_typed(members)} is not a list of members; accepted: null "
            "for all, or at least one name, as in [a,b]."
        )
