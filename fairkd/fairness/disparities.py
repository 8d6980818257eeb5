"""One number from a statistic's per-group values, differentiable almost everywhere.

All are 0 where the groups are alike and grow with what sets them apart, so that a bound from above
is what a constraint asks for. Groups that are undefined in the batch take no part; where fewer are
defined than a disparity needs, it is 0 and has no gradient.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from fairkd.errors import ConfigError, unknown_name
from fairkd.fairness.names import SMOOTH
from fairkd.fairness.statistics import Rates

Disparity = Callable[[Rates, int], Tensor]
"""From values of shape ``[S, K, G]`` and the reference group's index to one number per condition
and class, ``[S, K]``."""


def largest_difference(rates: Rates, reference: int = 0) -> Tensor:  # noqa: ARG001
    """The largest minus the smallest value."""
    comparable = rates.defined.sum(-1) >= 2
    top, bottom = _largest(rates, comparable), _smallest(rates, comparable)
    return top - bottom


def smallest_ratio(rates: Rates, reference: int = 0) -> Tensor:  # noqa: ARG001
    """1 minus the smallest over the largest value: 0.2 is the four-fifths rule's limit.

    0 where the largest value is 0.
    """
    comparable = rates.defined.sum(-1) >= 2
    top, bottom = _largest(rates, comparable), _smallest(rates, comparable)
    positive = top > 0
    return torch.where(positive, 1 - bottom / torch.where(positive, top, 1.0), 0.0)


def largest_difference_to_overall(rates: Rates, reference: int = 0) -> Tensor:  # noqa: ARG001
    """The largest distance of a group's value from that of all rows whose group is known."""
    distance = (rates.value - rates.overall.unsqueeze(-1)).abs()
    return torch.where(rates.defined, distance, 0.0).amax(-1)


def average_difference(rates: Rates, reference: int = 0) -> Tensor:
    """Magnitude of the mean of the other groups' values minus the reference's."""
    return _to_reference(rates, reference).abs()


def average_relative_difference(rates: Rates, reference: int = 0) -> Tensor:
    """`average_difference` over the reference's value; 0 where that is 0."""
    base = rates.value[..., reference]
    positive = base > 0
    share = _to_reference(rates, reference) / torch.where(positive, base, 1.0)
    return torch.where(positive, share.abs(), 0.0)


def average_absolute_difference(rates: Rates, reference: int = 0) -> Tensor:  # noqa: ARG001
    """Mean absolute difference over all unordered pairs of groups."""
    gaps = (rates.value.unsqueeze(-1) - rates.value.unsqueeze(-2)).abs()
    both = (rates.defined.unsqueeze(-1) & rates.defined.unsqueeze(-2)).to(gaps.dtype)
    n = rates.defined.sum(-1)
    pairs = (n * (n - 1)).clamp(min=1)  # each of them stands in the matrix twice
    return (gaps * both).sum((-1, -2)) / pairs


def worst_group(rates: Rates, reference: int = 0) -> Tensor:  # noqa: ARG001
    """1 minus the smallest value: what the worst group lacks of a perfect accuracy, or precision.

    0 where no group is defined.
    """
    any_defined = rates.defined.any(-1)
    return torch.where(any_defined, 1 - _smallest(rates, any_defined), 0.0)


_BY_NAME: dict[str, Disparity] = {
    disparity.__name__: disparity
    for disparity in (
        largest_difference,
        smallest_ratio,
        largest_difference_to_overall,
        average_difference,
        average_relative_difference,
        average_absolute_difference,
        worst_group,
    )
}
REFERENCED = ("average_difference", "average_relative_difference")
"""Disparities that compare with a reference group."""


def find_disparity(name: str) -> Disparity:
    """The disparity of that name; of a smooth one's, the exact one that it stands for.

    Raises:
        ConfigError: there is none.
    """
    exact = SMOOTH.get(name, name)
    if exact not in _BY_NAME:
        raise ConfigError(unknown_name("disparity", name, (*_BY_NAME, *SMOOTH)))
    return _BY_NAME[exact]


def _largest(rates: Rates, known: Tensor) -> Tensor:
    top = torch.where(rates.defined, rates.value, -torch.inf).amax(-1)
    return torch.where(known, top, 0.0)


def _smallest(rates: Rates, known: Tensor) -> Tensor:
    bottom = torch.where(rates.defined, rates.value, torch.inf).amin(-1)
    return torch.where(known, bottom, 0.0)


def _to_reference(rates: Rates, reference: int) -> Tensor:
    """Mean of the other groups' values minus the reference's, signed; 0 where that is undefined."""
    base = rates.value[..., reference].unsqueeze(-1)
    gaps = torch.where(rates.defined, rates.value - base, 0.0)
    others = rates.defined.sum(-1) - 1
    comparable = rates.defined[..., reference] & (others >= 1)
    return torch.where(comparable, gaps.sum(-1) / others.clamp(min=1), 0.0)
