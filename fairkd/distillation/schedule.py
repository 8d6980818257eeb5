"""Factors that change over epochs: warm-up, and from a start to an end."""

import math

import torch
from torch import Tensor, nn

from fairkd import checks

# What each shape takes of: nothing, progress itself, half a cosine's way.
SHAPES = {"constant": (0.0, 0.0), "linear": (1.0, 0.0), "cosine": (0.0, 1.0)}


class Schedule(nn.Module):
    r"""A factor for every epoch, counted from 0.

    .. math:: \min\left(\frac{e + 1}{w}, 1\right) \cdot \left[ 1 + (r - 1) \, b(e) \right]

    with w epochs of warm-up and b going from 0 in the first epoch to 1 in the last: straight
    (``linear``), along half a cosine (``cosine``), or never (``constant``). All of it is buffers,
    so that a stack of students may follow a schedule each.

    Args:
        epochs: how many there are, at least 1.
        shape: ``constant``, ``linear`` or ``cosine``.
        end: r, the factor in the last epoch, at least 0.
        warmup: epochs until the factor counts in full; 0 or 1 is none.

    Attributes:
        idle: whether the factor is 1 in every epoch.

    Raises:
        ConfigError: a value out of its range.
    """

    last: Tensor
    shape: Tensor
    end: Tensor
    warmup: Tensor

    def __init__(
        self, epochs: int, shape: str = "constant", end: float = 1.0, warmup: int = 0
    ) -> None:
        super().__init__()
        checks.whole("epochs", epochs, least=1)
        checks.choice("shape", shape, tuple(SHAPES))
        self.idle = warmup <= 1 and (shape == "constant" or end == 1.0)
        for name, value in (
            ("last", float(max(epochs - 1, 1))),
            ("shape", SHAPES[shape]),
            ("end", checks.number("end", end, least=0.0)),
            ("warmup", float(max(checks.whole("warmup", warmup), 1))),
        ):
            self.register_buffer(name, torch.tensor(value))

    def forward(self, epoch: Tensor) -> Tensor:
        """The factor, shape ``[]``; after the last epoch it stays as it is."""
        progress = (epoch / self.last).clamp(max=1.0)
        blends = torch.stack([progress, (1 - torch.cos(math.pi * progress)) / 2])
        warm = ((epoch + 1) / self.warmup).clamp(max=1.0)
        return warm * (1 + (self.end - 1) * (self.shape * blends).sum())
