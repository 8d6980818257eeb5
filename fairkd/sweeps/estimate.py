"""One number over repetitions: mean, spread, and an interval that says what kind it is."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from scipy.stats import t

IntervalKind = Literal["repetitions", "test rows", "none"]


@dataclass(frozen=True)
class Estimate:
    """A mean over the repetitions in which a number is defined.

    Attributes:
        mean: NaN where no repetition defines it.
        sd: the standard deviation over repetitions (n - 1 in the denominator); NaN below two.
        low: the interval's lower end; NaN where there is none.
        high: its upper end.
        interval: ``repetitions``, the Student t interval of the mean over repetitions;
            ``test rows``, the single job's own bootstrap interval; or ``none``.
        defined: the repetitions in which the number is defined.
        of: all repetitions.
    """

    mean: float
    sd: float
    low: float
    high: float
    interval: IntervalKind
    defined: int
    of: int

    @property
    def everywhere(self) -> float:
        """The mean, for a decision by it: NaN where even one repetition does not define it."""
        return self.mean if self.defined == self.of else math.nan

    @property
    def half_width(self) -> float:
        """Half of the interval over repetitions; NaN for any other."""
        return (self.high - self.low) / 2 if self.interval == "repetitions" else math.nan

    def times(self, factor: float) -> "Estimate":
        """The same number in another unit: of a share, 100 gives points."""
        numbers = (self.mean, self.sd, self.low, self.high)
        mean, sd, low, high = (factor * value for value in numbers)
        return replace(self, mean=mean, sd=sd, low=low, high=high)

    def with_rows_interval(self, low: float, high: float) -> "Estimate":
        """With a single job's own interval in the place of the one it lacks, if that is defined."""
        if self.of != 1 or math.isnan(low) or math.isnan(high):
            return self
        return replace(self, low=low, high=high, interval="test rows")


def over_repetitions(values: Sequence[float], confidence: float) -> Estimate:
    """Mean, standard deviation and Student t interval; the order of the values does not matter.

    Sums are exact and rounded once, so that equal values in another order give equal bits.

    Args:
        values: one a repetition, NaN where undefined.
        confidence: of the interval: mean -+ t_{(1 + confidence) / 2, n - 1} sd / sqrt(n).
    """
    defined = [value for value in values if not math.isnan(value)]
    n = len(defined)
    if n == 0:
        return Estimate(math.nan, math.nan, math.nan, math.nan, "none", 0, len(values))
    mean = statistics.mean(defined)
    if n == 1:
        return Estimate(mean, math.nan, math.nan, math.nan, "none", 1, len(values))
    sd = statistics.stdev(defined)
    reach = float(t.ppf((1 + confidence) / 2, n - 1)) * sd / math.sqrt(n)
    return Estimate(mean, sd, mean - reach, mean + reach, "repetitions", n, len(values))
