"""Groups' losses, and shares that follow them: the worst come to count most."""

import torch
from torch import Tensor


def group_means(values: Tensor, membership: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of values in every group, 0 where nobody is; and which groups somebody is in.

    Args:
        values: shape ``[B]``.
        membership: shape ``[B, G]``, times the rows' weights.

    Returns:
        Both of shape ``[G]``.
    """
    rows = membership.sum(0)
    present = rows > 0
    return (membership.T @ values) / torch.where(present, rows, 1.0), present


def raised(shares: Tensor, losses: Tensor, present: Tensor, rate: Tensor | float) -> Tensor:
    r"""Groups' shares after a step of exponentiated gradient ascent.

    .. math:: q_g \propto q_g \exp(\eta L_g)

    over the groups with rows, which share among themselves what they had; the others keep theirs,
    so that a group which is often absent does not lose by it. (Sagawa, Koh, Hashimoto and Liang,
    "Distributionally robust neural networks", ICLR 2020, who sample groups alike.)

    Args:
        shares: q, shape ``[G]``, sum 1.
        losses: L, shape ``[G]``.
        present: which groups have rows, shape ``[G]``.
        rate: eta.
    """
    tiny = torch.finfo(shares.dtype).tiny
    grown = torch.where(
        present, shares.clamp(min=tiny).log() + rate * losses, torch.finfo(shares.dtype).min / 4
    )
    at_stake = torch.where(present, shares, 0.0).sum()
    return torch.where(present, at_stake * grown.softmax(0), shares)
