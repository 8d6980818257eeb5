"""Bootstrap draws of the rows of a split, shared by every table that counts these rows.

Drawing n rows with replacement and then counting them in cells needs only how many of the drawn
rows lie in each cell. Rows are exchangeable: lay the cells of a table side by side over the numbers
0 .. n - 1, and any draw of numbers is a draw of the table. So the numbers are drawn once, and every
table of every model on the split is read on them.
"""

from collections import OrderedDict
from collections.abc import Iterator
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fairkd.evaluation.intervals import resample

_BYTES_KEPT = 2**26
_CELLS_AT_ONCE = 4_000_000
_NUMBERS_AT_ONCE = 1_000_000
_FEW = 2


class RowDraws:
    """Draws of n rows with replacement.

    Up to 64 MiB of them are kept; beyond, each table is drawn for itself, with the same seed.

    Args:
        n_rows: n.
        draws: the number of draws D.
        seed: of the generator.
    """

    def __init__(self, n_rows: int, draws: int, seed: int) -> None:
        self.n_rows = n_rows
        self.draws = draws
        self.seed = seed
        self._below: NDArray[np.unsignedinteger] | None = None

    def of(self, tables: NDArray[np.float64]) -> Iterator[Tensor]:
        """The tables, then the drawn ones, in portions of few enough to fit into memory.

        Args:
            tables: whole counts of K tables of one shape, ``[K, ...]``. A table may count fewer
                than n rows: those that it leaves out are drawn like the others.

        Yields:
            Shape ``[K, d, ...]``, float64: the observed tables first and then D draws, over all
            portions together. Equal cells of all draws lie side by side in memory: sums over the
            cells of a table, of which there are few, then run over long rows of draws.
        """
        at_once = max(1, _CELLS_AT_ONCE // max(1, tables.size))
        cells = tables.reshape(len(tables), -1)
        portions = self._read(cells, at_once) if self._kept() else self._drawn(cells, at_once)
        first = next(portions)
        for portion in chain([np.concatenate([cells[..., None], first], axis=-1)], portions):
            yield torch.from_numpy(portion.reshape(*tables.shape, -1)).movedim(-1, 1)

    def _kept(self) -> bool:
        return (self.n_rows + 1) * self.draws * self._type().itemsize <= _BYTES_KEPT

    def _type(self) -> np.dtype[np.unsignedinteger]:
        return np.dtype(np.uint16 if self.n_rows < 2**16 else np.uint32)

    def _read(self, cells: NDArray[np.float64], at_once: int) -> Iterator[NDArray[np.float64]]:
        if self._below is None:
            self._below = self._numbers_below()
        ends = np.cumsum(cells, axis=1).round().astype(np.int64)
        bounds = np.concatenate([np.zeros((len(cells), 1), dtype=np.int64), ends], axis=1)
        for start in range(0, self.draws, at_once):
            below = self._below[:, start : start + at_once][bounds]
            # Never negative, so the unsigned difference is exact.
            yield np.diff(below, axis=1).astype(np.float64)

    def _drawn(self, cells: NDArray[np.float64], at_once: int) -> Iterator[NDArray[np.float64]]:
        left_out = self.n_rows - cells.sum(1, keepdims=True)
        whole = np.concatenate([cells, left_out], axis=1)
        generators = [np.random.default_rng(self.seed) for _ in cells]
        for start in range(0, self.draws, at_once):
            some = min(at_once, self.draws - start)
            drawn = [resample(row, some, g).T for row, g in zip(whole, generators, strict=True)]
            yield np.ascontiguousarray(np.stack(drawn)[:, :-1])

    def _numbers_below(self) -> NDArray[np.unsignedinteger]:
        """How many of each draw's numbers lie below 0, 1, ..., n, shape ``[n + 1, D]``."""
        n = self.n_rows
        generator = np.random.default_rng(self.seed)
        below = np.zeros((n + 1, self.draws), dtype=self._type())
        at_once = max(1, _NUMBERS_AT_ONCE // n)
        for start in range(0, self.draws, at_once):
            some = min(at_once, self.draws - start)
            numbers = generator.integers(0, n, (some, n)) + n * np.arange(some)[:, None]
            counts = np.bincount(numbers.ravel(), minlength=some * n).reshape(some, n)
            below[1:, start : start + some] = np.cumsum(counts, axis=1).T
        return below


class SharedDraws:
    """The last few `RowDraws`, which depend on nothing but their arguments."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, int, int], RowDraws] = OrderedDict()

    def of(self, n_rows: int, draws: int, seed: int) -> RowDraws:
        """The draws of n rows."""
        key = (n_rows, draws, seed)
        if key not in self._known:
            self._known[key] = RowDraws(*key)
        self._known.move_to_end(key)
        if len(self._known) > _FEW:
            self._known.popitem(last=False)
        return self._known[key]
