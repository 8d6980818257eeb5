"""One class against all others, from logits."""

import torch
from torch import Tensor

from fairkd.errors import ConfigError


def among(y: Tensor, n_classes: int) -> Tensor:
    """Labels as a distribution over classes.

    Args:
        y: class indices, shape ``[B]``, or soft labels, shape ``[B, C]``, returned as they are.
        n_classes: C.

    Returns:
        Shape ``[B, C]``: of indices a mask, true at the class.
    """
    if y.dim() > 1:
        return y
    return y.unsqueeze(-1) == torch.arange(n_classes, device=y.device)


def target_mask(y: Tensor, n_classes: int) -> Tensor:
    """True at each row's class (the likeliest, where labels are soft), shape ``[B, C]``."""
    return among(y if y.dim() == 1 else y.argmax(-1), n_classes)


def log_of_others(logits: Tensor) -> Tensor:
    """Logarithm of the probability that a class is not the one, ``log(1 - p_c)``, shape ``[B, C]``.

    From the other classes' logits: 1 - p would round to 0 where the model is certain.
    """
    n_classes = logits.shape[-1]
    itself = torch.eye(n_classes, dtype=torch.bool, device=logits.device)
    others = without(logits.unsqueeze(-2), itself)
    return others.logsumexp(-1) - logits.logsumexp(-1, keepdim=True)


def without(logits: Tensor, mask: Tensor) -> Tensor:
    """The logits with the masked classes so low that they count for nothing.

    The value is finite: an infinite one would make NaN of zero times itself.
    """
    return torch.where(mask, torch.finfo(logits.dtype).min / 4, logits)


def at_least_three(logits: Tensor, what: str, instead: str) -> None:
    """Refuse a term that has nothing to say about two classes.

    Args:
        logits: shape ``[B, C]``.
        what: the sentence's beginning: what degenerates, and how.
        instead: what to use.

    Raises:
        ConfigError: there are two classes.
    """
    if logits.shape[-1] == 2:
        raise ConfigError(f"{what} with two classes; {instead}.")
