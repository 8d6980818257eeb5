"""Range checks shared by the ground floor (argument names) and the command line (dotted keys).

Nothing here imports torch, so a wrong value is refused before anything heavy loads.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fairkd.errors import ConfigError

LARGEST_SEED = 2**32 - 1
"""What every random number generator in use accepts."""


def number(
    name: str,
    value: object,
    *,
    above: float | None = None,
    least: float | None = None,
    most: float | None = None,
) -> float:
    """Return ``value`` as a float if it is a finite number within the bounds.

    Args:
        name: the argument or dotted key, as the user knows it.
        value: what was given.
        above: exclusive lower bound.
        least: inclusive lower bound.
        most: inclusive upper bound.

    Raises:
        ConfigError: not a number, not finite, or out of bounds.
    """
    accepted = "a number" + _bounds(above, least, most)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{name}={as_typed(value)} is not a number; accepted: {accepted}.")
    given = float(value)
    within = (
        math.isfinite(given)
        and (above is None or given > above)
        and (least is None or given >= least)
        and (most is None or given <= most)
    )
    if not within:
        raise ConfigError(f"{name}={as_typed(value)} is out of range; accepted: {accepted}.")
    return given


def whole(name: str, value: object, *, least: int = 0, most: int | None = None) -> int:
    """Return ``value`` if it is a whole number within the inclusive bounds.

    Raises:
        ConfigError: not a whole number, or out of bounds.
    """
    accepted = "a whole number" + _bounds(None, least, most)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"{name}={as_typed(value)} is not a whole number; accepted: {accepted}.")
    if value < least or (most is not None and value > most):
        raise ConfigError(f"{name}={as_typed(value)} is out of range; accepted: {accepted}.")
    return value


def choice(name: str, value: object, accepted: Sequence[str]) -> str:
    """Return ``value`` if it is one of the accepted words.

    Raises:
        ConfigError: any other value.
    """
    if not isinstance(value, str) or value not in accepted:
        raise ConfigError(
            f"{name}={as_typed(value)} is not known; accepted: {', '.join(accepted)}."
        )
    return value


def mapping(name: str, given: object, example: str) -> Mapping[str, Any]:
    """A mapping whose keys are text; an empty one for None.

    Args:
        name: the configuration key.
        given: what it holds.
        example: of an accepted value, as it is typed.

    Raises:
        ConfigError: it is no mapping.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ConfigError(
            f"{name}={as_typed(given)} is no mapping; accepted: values by column, as in "
            f"'{name}={example}'."
        )
    return {str(key): value for key, value in given.items()}


def as_typed(value: object) -> str:
    """A value as one types it in an override: ``null``, ``true``, ``[a,b]``, and text as it is."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{','.join(map(as_typed, value))}]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{as_typed(item)}" for key, item in value.items()) + "}"
    return str(value)


def _bounds(above: float | None, least: float | None, most: float | None) -> str:
    parts = []
    if above is not None:
        parts.append(f"above {_short(above)}")
    if least is not None and most is not None:
        return f" from {_short(least)} to {_short(most)}"
    if least is not None:
        parts.append(f"of at least {_short(least)}")
    if most is not None:
        parts.append(f"of at most {_short(most)}")
    return (" " + " and ".join(parts)) if parts else ""


def _short(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:g}"
