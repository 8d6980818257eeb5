"""A student's gradient that takes no step which would help an opponent."""

from collections.abc import Sequence

import torch
from torch import Tensor


def opposed(
    gradients: Sequence[Tensor | None],
    of_opponent: Sequence[Tensor | None],
    weight: Tensor,
) -> list[Tensor | None]:
    r"""The gradient without its part along the opponent's, and against that.

    .. math:: g - \frac{\langle g, h \rangle}{\langle h, h \rangle} h - \alpha h

    with the inner products over all parameters together, not over each by itself (which would be
    another, shorter direction). (Zhang, Lemoine and Mitchell, "Mitigating unwanted biases with
    adversarial learning", AIES 2018.)

    Each parameter counts in the same order and by operations on it alone, so that a member of a
    stack gets the bits that it would have got by itself.

    Args:
        gradients: g, one tensor for each of the student's parameters; ``None`` is 0.
        of_opponent: h, the gradient of the opponent's loss in the same parameters.
        weight: alpha, shape ``[]``.
    """
    along = _inner(gradients, of_opponent, weight)
    length = _inner(of_opponent, of_opponent, weight)
    share = torch.where(length > 0, along / torch.where(length > 0, length, 1.0), 0.0)
    back = share + weight
    found: list[Tensor | None] = []
    for g, h in zip(gradients, of_opponent, strict=True):
        if h is None:
            found.append(g)
        else:
            found.append((torch.zeros_like(h) if g is None else g) - back * h)
    return found


def _inner(ours: Sequence[Tensor | None], theirs: Sequence[Tensor | None], like: Tensor) -> Tensor:
    total = torch.zeros_like(like)
    for a, b in zip(ours, theirs, strict=True):
        if a is not None and b is not None:
            total = total + (a * b).sum()
    return total
