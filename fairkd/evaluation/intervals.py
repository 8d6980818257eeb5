"""Percentile intervals by resampling the cells of a table instead of its rows.

Drawing n rows with replacement and then counting them is one multinomial draw of the counts, so a
thousand bootstrap replicates of any statistic of counts cost milliseconds (Efron & Tibshirani, "An
Introduction to the Bootstrap", 1993, chapter 13 for the percentile interval).

Two limits to read the intervals by. The percentile interval of an *absolute gap* is unreliable near
0: the gap of a replicate is never negative, so where the truth is no gap the interval lies too
high. And a rate of exactly 0 or 1 has no spread in its replicates: its interval is a point.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm


class Intervals(NamedTuple):
    """Bounds of one or many values, and the share of draws in which each was undefined."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    undefined: NDArray[np.float64]

    def at(self, place: int | tuple[int, ...]) -> "Interval":
        """The interval of one of the values."""
        return Interval(
            float(self.low[place]), float(self.high[place]), float(self.undefined[place])
        )

    def of(self, table: int) -> "Intervals":
        """Those of one of several tables."""
        return Intervals(self.low[table], self.high[table], self.undefined[table])


class Interval(NamedTuple):
    """Bounds of one value, and the share of draws in which it was undefined."""

    low: float
    high: float
    undefined: float


UNKNOWN = Interval(np.nan, np.nan, 1.0)


def resample(
    cells: NDArray[np.float64], draws: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Counts of rows drawn with replacement, jointly over all cells.

    Args:
        cells: whole counts, any shape.
        draws: the number of replicates D.
        generator: the source of randomness.

    Returns:
        Shape ``[D, *cells.shape]``; every replicate has as many rows as ``cells``.
    """
    replicates = np.zeros((draws, cells.size))
    filled = np.flatnonzero(cells)
    total = round(float(cells.sum()))
    if total:
        shares = cells.ravel()[filled] / cells.sum()
        replicates[:, filled] = generator.multinomial(total, shares, size=draws)
    return replicates.reshape(draws, *cells.shape)


def percentile(values: NDArray[np.float64], confidence: float) -> Intervals:
    """Percentile intervals over the draws in which a value is defined.

    Args:
        values: replicates, shape ``[D, ...]``, NaN where undefined.
        confidence: the share of defined draws inside the interval.

    Returns:
        Bounds of shape ``[...]``, interpolated linearly between draws as `numpy.quantile` does;
        NaN where more than half of the draws are undefined.
    """
    ordered = np.sort(values, axis=0)  # NaN last
    defined = (~np.isnan(values)).sum(0)
    undefined = 1 - defined / len(values)

    def quantile(q: float) -> NDArray[np.float64]:
        place = q * np.maximum(defined - 1, 0)
        below = np.floor(place).astype(int)
        above = np.ceil(place).astype(int)
        lower = np.take_along_axis(ordered, below[None], 0)[0]
        upper = np.take_along_axis(ordered, above[None], 0)[0]
        bound: NDArray[np.float64] = lower + (place - below) * (upper - lower)
        return np.where(undefined > 0.5, np.nan, bound)

    tail = (1 - confidence) / 2
    return Intervals(quantile(tail), quantile(1 - tail), np.asarray(undefined))


def normal_interval(estimate: float, variance: float, confidence: float) -> Interval:
    """The interval of an estimate that is close to normal; unknown where its variance is."""
    if np.isnan(estimate) or np.isnan(variance):
        return UNKNOWN
    reach = _deviations(confidence) * float(np.sqrt(variance))
    return Interval(estimate - reach, estimate + reach, 0.0)


@cache
def _deviations(confidence: float) -> float:
    """Half of the interval in standard deviations; SciPy takes longer than all around it."""
    return float(norm.ppf((1 + confidence) / 2))


def mean_interval(values: NDArray[np.float64], confidence: float) -> Interval:
    """The normal interval of a mean; unknown for fewer than two values."""
    if len(values) < 2:
        return UNKNOWN
    variance = float(values.var(ddof=1)) / len(values)
    return normal_interval(float(values.mean()), variance, confidence)
