r"""Upper confidence bounds on a disparity, from counts of rows that selected nothing.

Each group's rate has the exact limits of Clopper and Pearson (1934). A linear combination of rates
:math:`\sum_g c_g p_g`, such as the difference of two, gets the bound

.. math:: \sum_g c_g \hat p_g + \sqrt{\sum_g c_g^2 (l_g - \hat p_g)^2}

with the limit l on the side that makes the combination larger (the method of variance estimates
recovery: Zou and Donner, "Construction of confidence limits about effect measures", Statistics in
Medicine 2008; Newcombe 1998 for a difference).

A disparity is a largest value over groups, pairs, directions, conditions and classes. The largest
of the single bounds is then a bound on all of them at once, at the same level: it lies below the
truth only if the bound on the one combination that is largest in truth does. No correction for
their number is lost. (The intersection-union principle: Berger and Hsu, "Bioequivalence trials,
intersection-union tests and equivalence confidence sets", Statistical Science 1996.)
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from fairkd.errors import ConfigError, unknown_name

Values = NDArray[np.float64]

_HALVINGS = 40
_BEYOND = 1e6


class Limits(NamedTuple):
    """Each group's rate with its one-sided limits, shape ``[G]`` each."""

    estimate: Values
    lower: Values
    upper: Values


def disparity_bound(
    hits: Values, rows: Values, disparity: str, confidence: float, reference: int = 0
) -> float:
    """The upper bound on a disparity: with this confidence, the truth is not above it.

    Args:
        hits: for each condition, class and group, how many of ``rows`` count, shape ``[..., G]``.
        rows: the rates' denominators, same shape; a group with none can be anything.
        disparity: see `fairkd.fairness.names.DISPARITIES`.
        confidence: of the bound, one-sided.
        reference: the group that average differences compare with.

    Returns:
        The bound; at most 1, but for the average relative difference, which has no largest value.

    Raises:
        ConfigError: an unknown disparity.
    """
    if disparity not in _BOUNDS:
        raise ConfigError(unknown_name("disparity", disparity, _BOUNDS))
    n_groups = rows.shape[-1]
    pairs = n_groups * (n_groups - 1) // 2
    tail = (1 - confidence) / (max(pairs, 1) if disparity in _SIMULTANEOUS else 1)
    bound = _BOUNDS[disparity]
    return max(
        bound(limits(of_hits, of_rows, tail), of_rows, reference)
        for of_hits, of_rows in zip(
            hits.reshape(-1, n_groups), rows.reshape(-1, n_groups), strict=True
        )
    )


def limits(hits: Values, rows: Values, tail: float) -> Limits:
    """Clopper and Pearson's, each exceeded with probability ``tail`` at most; open without rows.

    Args:
        hits: how many of ``rows`` count, shape ``[G]``.
        rows: the rates' denominators, shape ``[G]``.
        tail: of one side; half of what an interval leaves out.
    """
    known = rows > 0
    n = np.where(known, rows, 1.0)
    x = np.where(known, hits, 0.5)
    lower = np.where(x > 0, beta.ppf(tail, np.maximum(x, 1e-12), n - x + 1), 0.0)
    upper = np.where(x < n, beta.ppf(1 - tail, x + 1, np.maximum(n - x, 1e-12)), 1.0)
    return Limits(x / n, np.where(known, lower, -np.inf), np.where(known, upper, np.inf))


def _linear(limits: Limits, coefficients: Values) -> Values:
    """Bounds on linear combinations of rates, shape ``[M]``, of coefficients ``[M, G]``."""
    limit = np.where(coefficients > 0, limits.upper, limits.lower)
    with np.errstate(invalid="ignore"):  # a coefficient of 0 times an open limit
        reach = np.where(coefficients == 0, 0.0, coefficients * (limit - limits.estimate))
    found: Values = coefficients @ limits.estimate + np.sqrt(np.square(reach).sum(-1))
    return found


def _largest_difference(limits: Limits, rows: Values, reference: int) -> float:  # noqa: ARG001
    return _at_most_1(_linear(limits, _differences(len(rows))))


def _largest_to_overall(limits: Limits, rows: Values, reference: int) -> float:  # noqa: ARG001
    shares = rows / max(float(rows.sum()), 1.0)  # the mixture of groups is that of these rows
    gaps = np.eye(len(rows)) - shares
    return _at_most_1(_linear(limits, np.concatenate([gaps, -gaps])))


def _average_difference(limits: Limits, rows: Values, reference: int) -> float:
    gap = _others(len(rows), reference) - np.eye(len(rows))[reference]
    return _at_most_1(_linear(limits, np.stack([gap, -gap])))


def _average_absolute(limits: Limits, rows: Values, reference: int) -> float:  # noqa: ARG001
    """Every pair's own bound holds at the same time, so their mean does."""
    both = _linear(limits, _differences(len(rows))).reshape(2, -1)
    return float(np.minimum(both.max(0), 1.0).mean())


def _smallest_ratio(limits: Limits, rows: Values, reference: int) -> float:  # noqa: ARG001
    """No group's rate is below 1 - bound times another's."""
    one, other = _pairs(len(rows))

    def holds(bound: float) -> bool:
        coefficients = (1 - bound) * np.eye(len(rows))[other] - np.eye(len(rows))[one]
        return bool((_linear(limits, coefficients) <= 0).all())

    return _smallest(holds, 1.0)


def _average_relative(limits: Limits, rows: Values, reference: int) -> float:
    """The mean of the others lies within 1 +- bound times the reference."""
    mean, base = _others(len(rows), reference), np.eye(len(rows))[reference]

    def holds(bound: float) -> bool:
        coefficients = np.stack([mean - (1 + bound) * base, (1 - bound) * base - mean])
        return bool((_linear(limits, coefficients) <= 0).all())

    return _smallest(holds, _BEYOND)


def _worst_group(limits: Limits, rows: Values, reference: int) -> float:  # noqa: ARG001
    return _at_most_1(1 - limits.lower)


_BOUNDS: dict[str, Callable[[Limits, Values, int], float]] = {
    "largest_difference": _largest_difference,
    "smallest_ratio": _smallest_ratio,
    "largest_difference_to_overall": _largest_to_overall,
    "average_difference": _average_difference,
    "average_relative_difference": _average_relative,
    "average_absolute_difference": _average_absolute,
    "worst_group": _worst_group,
}
_SIMULTANEOUS = ("average_absolute_difference",)
"""Not a largest value: the pairs' bounds must hold together (Bonferroni)."""


def _pairs(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All ordered pairs of groups, those one way before those the other way."""
    one, other = np.triu_indices(n, 1)
    return np.concatenate([one, other]), np.concatenate([other, one])


def _differences(n: int) -> Values:
    one, other = _pairs(n)
    found: Values = np.eye(n)[one] - np.eye(n)[other]
    return found


def _others(n: int, reference: int) -> Values:
    weights = np.full(n, 1 / (n - 1))
    weights[reference] = 0.0
    return weights


def _smallest(holds: Callable[[float], bool], most: float) -> float:
    """The smallest bound that holds, found by halving; ``most`` where none does."""
    low, high = 0.0, most
    if not holds(high):
        return most
    if holds(low):
        return low
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _at_most_1(bounds: Values) -> float:
    return float(min(bounds.max(), 1.0))
