r"""Smooth versions of disparities that take a largest value, for gradients.

The exact ones pull at the two groups that differ most and at no other. These pull at all groups,
the more the further they are out, and at the sharper a setting the more like the exact ones. None
is ever above its exact one, so that a gap within the bound stays unpunished; each is 0 where groups
are alike, and groups that are undefined in the batch take no part.

``smooth_...`` replaces a largest value by the logarithm of a mean of exponentials (mellowmax: Asadi
and Littman, "An alternative softmax operator for reinforcement learning", ICML 2017)

.. math:: m_\beta(v) = \frac{1}{\beta} \ln \frac{1}{n} \sum_g e^{\beta v_g}, \qquad
          \max v - \frac{\ln n}{\beta} \le m_\beta(v) \le \max v

and ``norm_...`` by a power mean

.. math:: M_p(v) = \Big( \frac{1}{n} \sum_g |v_g|^p \Big)^{1/p}, \qquad
          n^{-1/p} \max |v| \le M_p(v) \le \max |v|
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from fairkd.fairness.names import SMOOTH
from fairkd.fairness.statistics import Rates


def smooth_largest_difference(rates: Rates, sharpness: Tensor) -> Tensor:
    r""":math:`m_\beta(v) + m_\beta(-v)`, at most :math:`2 \ln n / \beta` below the exact one."""
    value = _mellowmax(rates.value, rates.defined, sharpness)
    value = value + _mellowmax(-rates.value, rates.defined, sharpness)
    return torch.where(rates.defined.sum(-1) >= 2, value, 0.0)


def smooth_largest_difference_to_overall(rates: Rates, sharpness: Tensor) -> Tensor:
    r""":math:`m_\beta` of both signs' distances, at most :math:`\ln 2n / \beta` below the exact."""
    distance = rates.value - rates.overall.unsqueeze(-1)
    both = torch.cat([distance, -distance], -1)
    return _mellowmax(both, torch.cat([rates.defined, rates.defined], -1), sharpness)


def smooth_worst_group(rates: Rates, sharpness: Tensor) -> Tensor:
    r""":math:`1 + m_\beta(-v)`, at most :math:`\ln n / \beta` below the exact one."""
    value = 1 + _mellowmax(-rates.value, rates.defined, sharpness)
    return torch.where(rates.defined.any(-1), value, 0.0)


def norm_largest_difference(rates: Rates, sharpness: Tensor) -> Tensor:
    """The power mean of all pairs' differences; for p = 1 their average absolute difference."""
    gaps = (rates.value.unsqueeze(-1) - rates.value.unsqueeze(-2)).abs()
    both = rates.defined.unsqueeze(-1) & rates.defined.unsqueeze(-2)
    n = rates.defined.sum(-1)  # of n^2 pairs, n are of a group with itself
    return _power_mean(gaps.flatten(-2), both.flatten(-2), n * (n - 1), sharpness)


def norm_largest_difference_to_overall(rates: Rates, sharpness: Tensor) -> Tensor:
    """The power mean of the groups' distances from the value of all rows."""
    distance = (rates.value - rates.overall.unsqueeze(-1)).abs()
    return _power_mean(distance, rates.defined, rates.defined.sum(-1), sharpness)


class Smooth(NamedTuple):
    """A smooth disparity.

    Attributes:
        of: from values of shape ``[S, K, G]`` and the sharpness to one number per condition and
            class, ``[S, K]``.
        sharpness: where none is given.
        least: the smallest sharpness.
    """

    of: Callable[[Rates, Tensor], Tensor]
    sharpness: float
    least: float


_EXPONENT, _POWER = 50.0, 8.0
_BY_NAME = {
    smooth.of.__name__: smooth
    for smooth in (
        Smooth(smooth_largest_difference, _EXPONENT, 1e-3),
        Smooth(smooth_largest_difference_to_overall, _EXPONENT, 1e-3),
        Smooth(smooth_worst_group, _EXPONENT, 1e-3),
        Smooth(norm_largest_difference, _POWER, 1.0),
        Smooth(norm_largest_difference_to_overall, _POWER, 1.0),
    )
}


def find_smooth(name: str) -> Smooth | None:
    """The smooth disparity of that name; ``None`` where the name is an exact one's."""
    return _BY_NAME[name] if name in SMOOTH else None


def _mellowmax(values: Tensor, counted: Tensor, sharpness: Tensor) -> Tensor:
    """Over the last axis' counted values; 0 of none."""
    n = counted.sum(-1)
    some = n > 0
    exponents = torch.where(counted, sharpness * values, -torch.inf)
    exponents = torch.where(some.unsqueeze(-1), exponents, 0.0)  # of none, -inf has no gradient
    found = (exponents.logsumexp(-1) - n.clamp(min=1).to(values.dtype).log()) / sharpness
    return torch.where(some, found, 0.0)


def _power_mean(values: Tensor, counted: Tensor, n: Tensor, sharpness: Tensor) -> Tensor:
    """Over the last axis' counted values, at least 0 each, of which there are n; 0 of none."""
    values = torch.where(counted, values, 0.0)
    # The mean is in proportion to its values, and powers of values over the largest do not vanish.
    largest = values.detach().amax(-1)
    some = largest > 0
    unit = torch.where(some, largest, 1.0)
    mean = (values / unit.unsqueeze(-1)).pow(sharpness).sum(-1) / n.clamp(min=1)
    return torch.where(some, unit * torch.where(some, mean, 1.0).pow(1 / sharpness), 0.0)
