"""Gradients of all members of a stack at once, and what is done to each member's own."""

from collections.abc import Sequence

import torch
from torch import Tensor

from fairkd.training.opposing import opposed


def members_gradients(
    values: Tensor, trained: Sequence[Tensor], *, keep_graph: bool = False
) -> list[Tensor | None]:
    """Of each member's value in its own parameters.

    Args:
        values: shape ``[K]``.
        trained: the stacked parameters, ``[K, ...]`` each.
        keep_graph: whether another gradient will be taken.

    Returns:
        For each parameter ``[K, ...]``, contiguous; ``None`` where nothing depends on it.
    """
    found = torch.autograd.grad(
        values.sum(), list(trained), allow_unused=True, retain_graph=keep_graph
    )
    return [None if gradient is None else gradient.contiguous() for gradient in found]


def members_opposed(
    gradients: Sequence[Tensor | None], of_opponents: Sequence[Tensor | None], weights: Tensor
) -> list[Tensor | None]:
    """`opposed` for each member by itself, as it is for a lone model.

    Args:
        gradients: of each parameter, ``[K, ...]``.
        of_opponents: the same of each member's opponent.
        weights: shape ``[K]``.
    """
    members = [
        opposed(
            [None if g is None else g[place] for g in gradients],
            [None if h is None else h[place] for h in of_opponents],
            weight,
        )
        for place, weight in enumerate(weights)
    ]
    return [
        None if of_all[0] is None else torch.stack([g for g in of_all if g is not None])
        for of_all in zip(*members, strict=True)
    ]
