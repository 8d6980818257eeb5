"""Whether students differ from their controls, over all configurations of a comparison at once.

Each configuration's student is paired with its control by repetition: the mean of the differences,
its Student t interval, and the p value of the paired t test. Of many tests some come out small by
chance, so the p values are also corrected (Holm, "A Simple Sequentially Rejective Multiple Test
Procedure", Scandinavian Journal of Statistics 6, 1979): the chance that any of those below a level
is there by accident is at most that level, however the tests depend on each other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scipy.stats import t

from fairkd.sweeps.estimate import Estimate, over_repetitions
from fairkd.sweeps.numbers import number
from fairkd.sweeps.outcome import MEASURES, Measure
from fairkd.sweeps.repetitions import distinct
from fairkd.sweeps.summary import Row

_SMALLEST_P = 0.001
_ROUNDING = 1e-12  # rates are shares of rows, which differ by far more than floats are rounded


@dataclass(frozen=True)
class Difference:
    """The student minus the control on test, of one configuration and measure.

    Attributes:
        configuration: its key without seeds.
        measure: what is compared.
        estimate: of the difference, over the repetitions in which both models are different ones.
        p: of the paired t test, two-sided; NaN where it is undefined.
        corrected: by Holm over all defined tests of the comparison; NaN where `p` is.
    """

    configuration: str
    measure: Measure
    estimate: Estimate
    p: float
    corrected: float

    @property
    def undefined(self) -> str:
        """Why there is no p value; empty where there is one."""
        if not math.isnan(self.p):
            return ""
        if self.estimate.defined < 2:
            defined, of = self.estimate.defined, self.estimate.of
            return f"no test: it takes 2 repetitions, and is defined in {defined} of {of}"
        return "no test: the difference is the same in every repetition"


def differences(rows: Sequence[Row], confidence: float = 0.95) -> list[Difference]:
    """Every row's differences in accuracy and disparity, in the order of the rows.

    Args:
        rows: of one comparison.
        confidence: of the intervals, each by itself.
    """
    found = [_difference(row, measure, confidence) for row in rows for measure in MEASURES]
    corrected = holm([difference.p for difference in found])
    return [replace(one, corrected=p) for one, p in zip(found, corrected, strict=True)]


def p_text(p: float) -> str:
    """A p value in three decimals, and never as 0: ``0.012``, ``< 0.001``."""
    return f"< {_SMALLEST_P:g}" if p < _SMALLEST_P else number(p)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's corrected p values; a NaN stays one and is not counted among the tests."""
    order = sorted(
        (place for place, p in enumerate(p_values) if not math.isnan(p)),
        key=lambda place: p_values[place],
    )
    corrected = [math.nan] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[place]))
        corrected[place] = largest
    return corrected


def _difference(row: Row, measure: Measure, confidence: float) -> Difference:
    jobs = distinct(distinct(row.outcomes), "control")
    pairs = [
        (job.value("student", "test", measure), job.value("control", "test", measure))
        for job in jobs
    ]
    estimate = over_repetitions([student - control for student, control in pairs], confidence)
    sizes = (abs(value) for pair in pairs for value in pair)
    largest = max((size for size in sizes if not math.isnan(size)), default=0.0)
    return Difference(row.configuration, measure, estimate, _p_value(estimate, largest), math.nan)


def _p_value(estimate: Estimate, scale: float) -> float:
    """Of the paired t test; without any spread there is nothing to test a difference against."""
    n, rounding = estimate.defined, _ROUNDING * scale
    if n < 2:
        return math.nan
    if estimate.sd <= rounding:
        return 1.0 if abs(estimate.mean) <= rounding else math.nan
    return float(2 * t.sf(abs(estimate.mean) / (estimate.sd / math.sqrt(n)), n - 1))
