"""A batch carries its groups (and a whole split is one large batch)."""

from typing import NamedTuple

import torch
from torch import Tensor


class Batch(NamedTuple):
    """Rows with everything an objective may ask of them.

    Attributes:
        x: features, shape ``[B, ...]``, floating point; of a whole split of images perhaps bytes,
            where 255 stands for 1 (see `floats`).
        y: labels, shape ``[B]`` (class indices, int64) or ``[B, C]`` (soft labels, rows sum to 1;
            entries of labels corrected for known errors may be negative).
        group: memberships, shape ``[B, sum G]``: the named blocks side by side, each one-hot, a
            distribution where uncertain, or a zero row where missing; corrected for known errors,
            rows that sum to 1 with negative entries. `Blocks` names the columns.
        index: each row's place in its split, shape ``[B]``, int64; teacher outputs are found by it.
        weight: row weights for per-sample losses, shape ``[B]``; 1 unless stated.
    """

    x: Tensor
    y: Tensor
    group: Tensor
    index: Tensor  # type: ignore[assignment]  # shadows tuple.index, which nobody asks of a batch
    weight: Tensor

    @property
    def size(self) -> int:
        """The number of rows."""
        return self.x.shape[0]

    @property
    def floats(self) -> Tensor:
        """``x`` as models take it, floating point; bytes become numbers from 0 to 1."""
        return self.x.float() / 255 if self.x.dtype == torch.uint8 else self.x

    def rows(self, chosen: Tensor | slice) -> "Batch":
        """The chosen rows: a slice, a mask (bool), or places from 0 on, in the order given."""
        return type(self)(*(taken(field, chosen) for field in self))


def taken(values: Tensor, chosen: Tensor | slice) -> Tensor:
    """The chosen rows of one tensor (see `Batch.rows`)."""
    if isinstance(chosen, Tensor) and chosen.dtype == torch.int64:
        return values.index_select(0, chosen)  # three times as fast as brackets
    return values[chosen]
