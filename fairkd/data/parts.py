"""Many rows in parts, for what costs too much on all of them at once."""

import math

import torch
from torch import Tensor


def parts(rows: int, most: int, device: torch.device) -> list[Tensor]:
    """The rows' places in as few parts of at most ``most`` as there can be, of nearly equal size.

    Every n-th row stands in one: a split may be in the order of its labels.

    Args:
        rows: how many there are.
        most: rows of a part, at least 1.
        device: of the places.
    """
    count = max(math.ceil(rows / most), 1)
    return [torch.arange(part, rows, count, device=device) for part in range(count)]
