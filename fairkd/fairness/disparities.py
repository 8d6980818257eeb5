"""One number from a statistic's per-group values, differentiable almost everywhere."""

from collections.abc import Callable

import torch
from torch import Tensor

from fairkd.errors import ConfigError, unknown_name
from fairkd.fairness.statistics import Rates

Disparity = Callable[[Rates], Tensor]
"""From values of shape ``[S, K, G]`` to one number per condition and class, ``[S, K]``."""


def largest_difference(rates: Rates) -> Tensor:
    """The largest minus the smallest value over the groups that are defined.

    Args:
        rates: values of shape ``[S, K, G]``.

    Returns:
        Shape ``[S, K]``; 0, without gradient, where fewer than two groups are defined.
    """
    top = torch.where(rates.defined, rates.value, -torch.inf).amax(-1)
    bottom = torch.where(rates.defined, rates.value, torch.inf).amin(-1)
    comparable = rates.defined.sum(-1) >= 2
    return torch.where(comparable, top, 0.0) - torch.where(comparable, bottom, 0.0)


_BY_NAME: dict[str, Disparity] = {"largest_difference": largest_difference}


def find_disparity(name: str) -> Disparity:
    """The disparity of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in _BY_NAME:
        raise ConfigError(unknown_name("disparity", name, _BY_NAME))
    return _BY_NAME[name]
