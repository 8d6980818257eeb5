"""Refuse a compression that cannot work, or changes nothing."""

import re
from collections.abc import Mapping

from fairkd import checks
from fairkd.commands.checking.values import Section
from fairkd.errors import ConfigError

COMPRESSION_WORDS = {
    "granularity": ("weights", "units"),
    "teaches": ("objective", "labels"),
    "method": ("dynamic", "static"),
}
_TRIO = ("teacher", "control", "student", "transfer")
_STEP = re.compile(r"[A-Za-z]\w*", re.ASCII)


def check_compression(compression: Section) -> None:
    """Check the section ``compression``."""
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
