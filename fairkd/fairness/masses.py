"""Groups as distributions over a batch's rows: each row has a share in each group.

A soft membership is a share like any other, so what is computed from shares weighs it. A row
without a group has no share in any.
"""

import torch
from torch import Tensor

_WHOLE = 2.0**60


def joint(memberships: Tensor) -> Tensor:
    """Row i's and group g's share in all memberships, shape ``[B, G]``; 0 where there are none."""
    total = memberships.sum()
    return memberships / torch.where(total > 0, total, 1.0)


def within(memberships: Tensor) -> Tensor:
    """Row i's share in group g, shape ``[B, G]``: columns sum to 1, those of nobody to 0."""
    total = memberships.sum(0)
    return memberships / torch.where(total > 0, total, 1.0)


def dependent(memberships: Tensor) -> Tensor:
    """`joint` minus what it would be were rows and groups independent, shape ``[B, G]``."""
    shares = joint(memberships)
    return shares - shares.sum(1, keepdim=True) * shares.sum(0)


def pairs(memberships: Tensor) -> tuple[Tensor, Tensor]:
    """Every unordered pair of groups, N of them.

    Returns:
        The first's distribution over rows minus the second's, shape ``[B, N]``; and each pair's
        share in their mean, shape ``[N]``: 0 for pairs with a group that is absent.
    """
    first, second = torch.combinations(torch.arange(memberships.shape[1])).unbind(1)
    shares, present = within(memberships), memberships.sum(0) > 0
    both = (present[first] & present[second]).to(shares.dtype)
    apart = shares[:, first] - shares[:, second]
    return apart, both / both.sum().clamp(min=1)


def below(shares: Tensor) -> Tensor:
    """Running sums of shares over rows, shape ``[B, ...]``, without gradient.

    Whole numbers are added: their sums do not depend on order, and no device refuses them where
    kernels have to be deterministic.

    Args:
        shares: at most 1 in sum.
    """
    return (shares * _WHOLE).long().cumsum(0).to(shares.dtype) / _WHOLE


def known(memberships: Tensor) -> Tensor:
    """Which rows have a group, shape ``[B]``."""
    return memberships.sum(1) > 0


def comparable(memberships: Tensor) -> Tensor:
    """Whether there are at least two groups, shape ``[]``."""
    return (memberships.sum(0) > 0).sum() >= 2
