"""Numbers as people read them: one way to write a value, its interval, and how much of it is known.

Only a value has a sign of its own: ``+0.004 [-0.002, 0.010]``.
"""

import math

from fairkd.sweeps.estimate import Estimate

UNDEFINED = "undefined"
UNKNOWN = "unknown"
DIGITS = 3

Ends = tuple[float, float]


def number(value: float, digits: int = DIGITS, signed: bool = False) -> str:
    """``0.853``, of a change ``+0.004``; ``undefined`` for NaN, and no minus before zero."""
    if math.isnan(value):
        return UNDEFINED
    return f"{round(value, digits) + 0.0:{'+' if signed else ''}.{digits}f}"


def count(value: float) -> str:
    """``1,234``; ``unknown`` for NaN, which nobody could count."""
    return UNKNOWN if math.isnan(value) else f"{int(value):,}"


def interval(ends: Ends | None, digits: int = DIGITS, ending: str = "") -> str:
    """``[0.849, 0.857]`` after a space; empty without an interval.

    Args:
        ends: lower and upper; NaN or ``None`` where there is none.
        digits: after the point.
        ending: within the brackets, such as what the interval is over.
    """
    if ends is None or any(map(math.isnan, ends)):
        return ""
    low, high = (number(end, digits) for end in ends)
    return f" [{low}, {high}{ending}]"


def with_ends(
    value: float, ends: Ends | None, digits: int = DIGITS, signed: bool = False, unit: str = ""
) -> str:
    """``0.853 [0.849, 0.857]``; what is undefined has no interval.

    Args:
        value: NaN where undefined.
        ends: as for `interval`.
        digits: after the point, of all three.
        signed: whether the value is a change.
        unit: after the value.
    """
    text = number(value, digits, signed)
    return text if math.isnan(value) else f"{text}{unit}{interval(ends, digits)}"


def with_interval(
    estimate: Estimate, digits: int = DIGITS, signed: bool = False, unit: str = ""
) -> str:
    """``0.853 [0.849, 0.857]``, and in how many repetitions it is defined if not in all."""
    ends = (estimate.low, estimate.high)
    return f"{with_ends(estimate.mean, ends, digits, signed, unit)}{partly(estimate)}"


def with_half(estimate: Estimate, digits: int = DIGITS, signed: bool = False) -> str:
    """``0.853 ± 0.004`` over repetitions, ``0.853 [0.849, 0.857]`` of a single job."""
    text = number(estimate.mean, digits, signed)
    return f"{text}{half(estimate, digits)}{interval(own_ends(estimate), digits)}"


def half(estimate: Estimate, digits: int = DIGITS) -> str:
    """Half of the interval over repetitions, ``±`` before it; empty for any other."""
    if estimate.interval != "repetitions":
        return ""
    return f" ± {number(estimate.half_width, digits)}"


def own_ends(estimate: Estimate) -> Ends | None:
    """The interval of a single job over its test rows."""
    return (estimate.low, estimate.high) if estimate.interval == "test rows" else None


def partly(estimate: Estimate) -> str:
    """In how many repetitions a number is defined, if in some but not in all."""
    if 0 < estimate.defined < estimate.of:
        return f" (defined in {estimate.defined} of {estimate.of})"
    return ""
