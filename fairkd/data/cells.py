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


def joint(memberships: Tensor, labels: Tensor) -> Tensor:
    """Each row's share in every cell of group and label, shape ``[B, G, C]``.

    Args:
        memberships: in one block, shape ``[B, G]``; a zero row where the group is missing.
        labels: shape ``[B, C]``.
    """
    return memberships.unsqueeze(-1) * labels.unsqueeze(-2)
