"""One condition on a metric: ``test/disparity<=0.05``."""

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fairkd.errors import FairkdError

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
}
_FORM = re.compile(r"\s*([^<>=\s][^<>=]*?)\s*(<=|>=|==|<|>)\s*([^<>=\s]+)\s*")
_LIKE = 'write it like "test/disparity<=0.05", with one of <=, >=, <, >, ==, in quotes'


class ConditionError(FairkdError):
    """A condition that cannot be checked, whatever the numbers are."""


@dataclass(frozen=True)
class Condition:
    """A metric, a sign and a number.

    Attributes:
        metric: its name in a tracked run.
        sign: ``<=``, ``>=``, ``<``, ``>`` or ``==``.
        bound: finite.
    """

    metric: str
    sign: str
    bound: float

    def __str__(self) -> str:
        return f"{self.metric} {self.sign} {self.bound:.15g}"

    def holds(self, value: float) -> bool:
        """Whether a value fulfils it; NaN never does."""
        return _COMPARE[self.sign](value, self.bound)

    def slack(self, value: float) -> float:
        """How far a value is on the right side of the bound, negative on the wrong one."""
        if self.sign == "==":
            return 0.0 - abs(value - self.bound)
        return self.bound - value if self.sign.startswith("<") else value - self.bound

    def worse(self, low: float, high: float) -> float:
        """The end of an interval that is nearer to breaking it.

        Raises:
            ConditionError: it is an equality, for which neither end is.
        """
        if self.sign == "==":
            raise ConditionError(
                f"bounds=true cannot be used with '{self}': neither end of an interval is the worse"
                " one for ==; use <= or >=, or leave bounds out."
            )
        return high if self.sign.startswith("<") else low


def read(text: str) -> Condition:
    """The condition that a word of the command line means.

    Raises:
        ConditionError: it is none.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ConditionError(f"'{text}' is not a condition; {_LIKE}.")
    metric, sign, given = found.groups()
    try:
        bound = float(given)
    except ValueError:
        bound = math.nan
    if not math.isfinite(bound):
        raise ConditionError(f"'{given}' in '{text}' is not a finite number; {_LIKE}.")
    return Condition(metric, sign, bound)
