"""What is true of the rows of one split, whichever model is measured on them: labels and groups."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.errors import DataError
from fairkd.evaluation.intervals import resample
from fairkd.evaluation.row_draws import RowDraws, SharedDraws

ONE_HOT_SLACK = 1e-6
_PARTS = 128

GroupDraws = list[NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Truth:
    """Labels and groups of the rows of one split; what follows from them is computed once.

    Attributes:
        y: class indices, shape ``[N]``, int64.
        memberships: for each block, each row's cell, shape ``[N]``, int64; -1 where it is missing.
        blocks: the names of the cells.
        classes: the names of the classes; of two, the second is the positive one.
        drawn: bootstrap draws, which splits of equal size may share.

    Raises:
        DataError: no rows, or shapes or values that disagree.
    """

    y: NDArray[np.int64]
    memberships: Mapping[str, NDArray[np.int64]]
    blocks: Blocks
    classes: tuple[str, ...]
    drawn: SharedDraws = field(default_factory=SharedDraws, repr=False)
    _group_draws: dict[tuple[str, int, int], GroupDraws] = field(
        default_factory=dict, init=False, repr=False
    )

    def __post_init__(self) -> None:
        n = len(self.y)
        if n == 0:
            raise DataError("There is no row to evaluate; give the split at least one row.")
        _require_range("labels", self.y, 0, len(self.classes))
        for block in self.blocks:
            if block.name not in self.memberships or self.memberships[block.name].shape != (n,):
                raise DataError(f"The block '{block.name}' needs one cell for each of {n} rows.")
            _require_range(
                f"cells of block '{block.name}'", self.memberships[block.name], -1, len(block.cells)
            )

    @classmethod
    def of(
        cls,
        batch: Batch,
        blocks: Blocks,
        classes: tuple[str, ...],
        drawn: SharedDraws | None = None,
    ) -> "Truth":
        """The truth of a split.

        A row's cell is known only where its membership is certain (one-hot): a distribution, a
        corrected or a zero row counts as missing. Of soft labels, the most likely class is taken.

        Args:
            batch: the split.
            blocks: the columns of ``batch.group``.
            classes: the names of the classes.
            drawn: bootstrap draws to share with other splits.
        """
        y = batch.y if batch.y.ndim == 1 else batch.y.argmax(-1)
        memberships = {}
        for block in blocks:
            given = block.of(batch.group)
            cell = given.argmax(-1)
            certain = F.one_hot(cell, len(block.cells)).to(given.dtype)
            known = (given - certain).abs().amax(-1) <= ONE_HOT_SLACK
            memberships[block.name] = cell.where(known, -1).cpu().numpy()
        labels = y.cpu().numpy().astype(np.int64, copy=False)
        return cls(labels, memberships, blocks, classes, drawn or SharedDraws())

    @property
    def n_rows(self) -> int:
        """The number of rows N."""
        return len(self.y)

    @cached_property
    def kinds(self) -> dict[str, NDArray[np.int64]]:
        """For each block, each row's cell and label as one number, ``cell * C + label``.

        Rows whose cell is missing count as one more cell at the end.
        """
        n_classes = len(self.classes)
        return {
            block.name: self.memberships[block.name] % (len(block.cells) + 1) * n_classes + self.y
            for block in self.blocks
        }

    @cached_property
    def rows_of(self) -> dict[str, list[NDArray[np.int64]]]:
        """For each block, the places of each cell's rows."""
        return {
            block.name: [
                np.flatnonzero(self.memberships[block.name] == g) for g in range(len(block.cells))
            ]
            for block in self.blocks
        }

    def row_draws(self, draws: int, seed: int) -> RowDraws:
        """Bootstrap draws of all rows, the same for every model."""
        return self.drawn.of(self.n_rows, draws, seed)

    def group_draws(self, block: str, draws: int, seed: int) -> GroupDraws:
        """Bootstrap draws of each group's rows, by their rank in any order that a model gives them.

        Which ranks a draw picks does not depend on the model, so every model is read on the same
        draws. A group's ranks are cut into 128 equally long parts, or single rows if there are
        fewer.

        Returns:
            For each non-empty cell of the block, the share of its drawn rows in the first 0, 1,
            ..., S parts, shape ``[S + 1, D]``.
        """
        key = (block, draws, seed)
        if key not in self._group_draws:
            generator = np.random.default_rng(seed)
            sizes = [len(rows) for rows in self.rows_of[block] if len(rows)]
            self._group_draws[key] = [_drawn_shares(size, draws, generator) for size in sizes]
        return self._group_draws[key]

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "Truth":
        """The chosen rows, in the order given."""
        return Truth(
            y=self.y[chosen],
            memberships={name: cell[chosen] for name, cell in self.memberships.items()},
            blocks=self.blocks,
            classes=self.classes,
        )


def part_bounds(size: int) -> NDArray[np.int64]:
    """Where the equally long parts of a group of ``size`` ranks begin, and the end of the last."""
    parts = min(size, _PARTS)
    return np.arange(parts + 1, dtype=np.int64) * size // parts


def _drawn_shares(size: int, draws: int, generator: np.random.Generator) -> NDArray[np.float32]:
    lengths = np.diff(part_bounds(size)).astype(np.float64)
    counts = resample(lengths, draws, generator)
    shares = np.zeros((len(lengths) + 1, draws), dtype=np.float32)
    shares[1:] = (np.cumsum(counts, axis=1) / size).T
    return shares


def _require_range(what: str, values: NDArray[np.int64], least: int, end: int) -> None:
    if values.size and (values.min() < least or values.max() >= end):
        raise DataError(
            f"The {what} go from {values.min()} to {values.max()}; accepted: {least} to {end - 1}."
        )
