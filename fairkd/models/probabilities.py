"""From logits to probabilities, quickly where classes are few.

Along a last axis of two or three classes a CPU's softmax goes row by row, which costs more than ten
times what it takes where the rows lie side by side. So classes are brought to the front first, and
what comes back has the shape of the logits but lies in memory class after class.

Several threads would cut side by side rows into parts, which round differently for a stack of
models than for one of them; they go row by row, as do other devices, which have kernels for that.
"""

import torch
from torch import Tensor

LEAST = 1e-6
"""What a probability counts as at least where its logarithm is taken for a logit."""


def probabilities(logits: Tensor) -> Tensor:
    """Softmax over classes, shape ``[B, C]`` as the logits'."""
    if _one_by_one(logits):
        return logits.softmax(-1)
    return logits.mT.contiguous().softmax(-2).mT


def log_probabilities(logits: Tensor) -> Tensor:
    """Logarithm of the softmax over classes, shape ``[B, C]`` as the logits'."""
    if _one_by_one(logits):
        return logits.log_softmax(-1)
    return logits.mT.contiguous().log_softmax(-2).mT


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy of each row in nats, shape ``[B]``.

    Args:
        logits: shape ``[B, C]``.
        y: class indices, shape ``[B]``, or soft labels, shape ``[B, C]``.
    """
    log_p = log_probabilities(logits)
    if y.dim() == log_p.dim():
        return -(y * log_p).sum(-1)
    return -log_p.mT.gather(-2, y.unsqueeze(-2)).squeeze(-2)


def _one_by_one(logits: Tensor) -> bool:
    return logits.device.type != "cpu" or torch.get_num_threads() > 1
