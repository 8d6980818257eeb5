"""Rows by group, or by group and label together."""

import torch.nn.functional as F
from torch import Tensor


def label_shares(y: Tensor, n_classes: int, like: Tensor) -> Tensor:
    """Labels as distributions over classes, shape ``[B, C]``.

    Args:
        y: class indices, shape ``[B]``, or soft labels, shape ``[B, C]``.
        n_classes: C.
        like: a tensor of the type to return.
    """
    return (y if y.dim() == 2 else F.one_hot(y, n_classes)).to(like.dtype)


def cell_shares(memberships: Tensor, y: Tensor, n_labels: int) -> Tensor:
    """Each row's share in every cell, shape ``[B, G, L]``.

    Args:
        memberships: in one block, shape ``[B, G]``; a zero row where the group is missing.
        y: labels, shape ``[B]`` or ``[B, C]``.
        n_labels: L: the number of classes, or 1 for cells of all labels together.
    """
    if n_labels == 1:
        return memberships.unsqueeze(-1)
    return memberships.unsqueeze(-1) * label_shares(y, n_labels, memberships).unsqueeze(-2)


def cell_sums(memberships: Tensor, y: Tensor, n_labels: int) -> Tensor:
    """`cell_shares` summed over rows, shape ``[G, L]``, for a split of any size."""
    if n_labels == 1:
        return memberships.sum(0).unsqueeze(-1)
    return memberships.T @ label_shares(y, n_labels, memberships)
