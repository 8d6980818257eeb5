"""What a trainer's values may be, importable without torch."""

from collections.abc import Mapping
from typing import Any

from fairkd import checks


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
