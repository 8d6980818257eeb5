"""What a search varies, read from Hydra's own sweep syntax.

========================================  =======================================================
``interval(1,20)``                        any number from 1 to 20
``int(interval(1,20))``                   any whole number from 1 to 20
``tag(log,interval(1e-3,3))``             any number, small and large ones equally likely by factor
``range(1,10)``, ``range(0,1,step=0.1)``  the numbers that Hydra's range has: without its stop
``choice(a,b)``, ``a,b``, ``glob(*)``     one of several, in no order
========================================  =======================================================
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep, Sweep
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from fairkd.errors import ConfigError
from fairkd.sweeps.outcome import SEED_KEYS

SIGNIFICANT_DIGITS = 4

_LOG = "log"
_SEEDS = (*SEED_KEYS, "replicate")


@dataclass(frozen=True)
class Space:
    """What a search varies, and what it leaves alone.

    Attributes:
        fixed: the overrides that all jobs share.
        varied: the distribution of each key, as it is overridden (``+a`` for a key to be added), by
            name, so that the order of a command line changes nothing.
        texts: how each of those was given (``interval(1,20)``).
    """

    fixed: tuple[str, ...]
    varied: Mapping[str, BaseDistribution]
    texts: Mapping[str, str]

    def words(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """The overrides of a job with these values of the varied keys."""
        return (*self.fixed, *(f"{key}={values[key]}" for key in self.varied))

    @property
    def combinations(self) -> int | None:
        """How many different jobs there are; ``None`` if an interval is among the varied keys."""
        counts = [_count(distribution) for distribution in self.varied.values()]
        return None if None in counts else math.prod(count for count in counts if count is not None)


def space_of(overrides: Sequence[Override], current: Callable[[str], object]) -> Space:
    """The space that a command line describes.

    Args:
        overrides: parsed; of several for one key the last counts.
        current: the value that a key has in the configuration, ``None`` where it has none.

    Raises:
        ConfigError: nothing is varied, or an override cannot be searched.
    """
    fixed: dict[str, str] = {}
    varied: dict[str, BaseDistribution] = {}
    texts: dict[str, str] = {}
    for override in {given.get_key_element(): given for given in overrides}.values():
        key, line = override.get_key_element(), str(override.input_line)
        if not override.is_sweep_override():
            fixed[key] = line
            continue
        distribution = _distribution(override, line, current)
        if distribution.single():
            fixed[key] = f"{key}={_only(distribution)}"
            continue
        if override.key_or_group in _SEEDS:
            raise ConfigError(
                f"'{line}' would search for a lucky seed; fix it ({key}=0), and repeat the "
                f"configurations that the search finds with -m replicate=0,1,2,3."
            )
        varied[key] = distribution
        texts[key] = override.get_value_string()
    if not varied:
        raise ConfigError(
            "The search varies nothing; give at least one key several values, as in "
            "'distillation.temperature=interval(1,20)', 'tag(log,interval(1e-3,3))', "
            "'range(1,10)' or 'choice(a,b)'."
        )
    return Space(tuple(fixed.values()), dict(sorted(varied.items())), texts)


def rounded(value: float, low: float, high: float) -> float:
    """A readable number near another one: four significant digits, and more for a narrow interval.

    Args:
        value: from ``low`` to ``high``.
        low: what is not gone below by rounding.
        high: what is not exceeded.
    """
    sizes = [abs(size) for size in (value, high - low) if size]
    if not sizes:
        return value
    decimals = SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(min(sizes)))
    return min(max(round(value, decimals), low), high)


def _distribution(
    override: Override, line: str, current: Callable[[str], object]
) -> BaseDistribution:
    given = override.value()
    tags = given.tags if isinstance(given, Sweep) else set()
    numeric = isinstance(given, IntervalSweep | RangeSweep)
    if tags - {_LOG} or (tags and not numeric):
        raise ConfigError(
            f"'{line}' has a tag that nothing reads; accepted: tag(log,interval(1e-3,3))."
        )
    if numeric:
        _check_number(override, line, current)
    if isinstance(given, IntervalSweep):
        return _interval(given, line)
    if isinstance(given, RangeSweep):
        return _range(given, line)
    return CategoricalDistribution(tuple(dict.fromkeys(override.sweep_string_iterator())))


def _check_number(override: Override, line: str, current: Callable[[str], object]) -> None:
    held = current(override.key_or_group)
    if isinstance(held, bool) or not isinstance(held, int | float | None):
        raise ConfigError(
            f"'{line}' gives numbers to a key that holds '{held}'; accepted: "
            f"{override.get_key_element()}=choice(a,b)."
        )


def _interval(given: IntervalSweep, line: str) -> BaseDistribution:
    low, high = given.start, given.end
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        raise ConfigError(f"'{line}' is not bounded; accepted: interval(1,20) and the like.")
    if low > high:
        raise ConfigError(f"'{line}' is empty: {low} is above {high}; give the smaller one first.")
    log = _LOG in given.tags
    _check_log(log, low, line)
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high, log=log)
    return FloatDistribution(low, high, log=log)


def _range(given: RangeSweep, line: str) -> BaseDistribution:
    if given.step == 0 or not (values := list(given.range())):
        raise ConfigError(f"'{line}' is empty; accepted: range(1,10), which ends with 9.")
    low, high = min(values), max(values)
    log = _LOG in given.tags
    _check_log(log, low, line)
    whole = isinstance(low, int) and isinstance(high, int)
    if log and (not whole or abs(given.step) != 1):
        raise ConfigError(
            f"'{line}' has steps, which are not logarithmic; accepted: "
            "tag(log,interval(1,100)), tag(log,int(interval(1,100)))."
        )
    if whole:
        return IntDistribution(int(low), int(high), log=log, step=abs(int(given.step)))
    return FloatDistribution(low, high, step=abs(given.step))


def _check_log(log: bool, low: float, line: str) -> None:
    if log and low <= 0:
        raise ConfigError(
            f"'{line}' is logarithmic and begins at {low}; give a beginning above 0, or leave the "
            "tag away."
        )


def _only(distribution: BaseDistribution) -> object:
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[0]
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    return distribution.low


def _count(distribution: BaseDistribution) -> int | None:
    if isinstance(distribution, CategoricalDistribution):
        return len(distribution.choices)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    if distribution.step is None:
        return None
    steps = Decimal(str(distribution.high)) - Decimal(str(distribution.low))
    return int(steps / Decimal(str(distribution.step))) + 1
