"""A block's groups in a data set: their rows by split, their base rates, and what is too small."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fairkd.evaluation.bounds import limits
from fairkd.evaluation.intervals import percentile, resample
from fairkd.evaluation.truth import Truth

CONFIDENCE = 0.95
FEW = 30
"""Rows of a class in a group's test rows: with fewer, a rate over them says little."""
_DRAWS = 1_000

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Groups:
    """The groups of one block.

    Attributes:
        block: its name.
        cells: their names.
        classes: the label's values; of two, the second is the positive one.
        counts: rows by split: of each cell, and of no known cell last, and class,
            shape ``[G + 1, C]``.
    """

    block: str
    cells: tuple[str, ...]
    classes: tuple[str, ...]
    counts: Mapping[str, Counts]

    @classmethod
    def of(cls, truths: Mapping[str, Truth], block: str) -> "Groups":
        """Count the rows of every split.

        Args:
            truths: labels and groups by split.
            block: one of their blocks.
        """
        first = next(iter(truths.values()))
        cells, n_classes = first.blocks[block].cells, len(first.classes)
        counts = {
            split: np.bincount(truth.kinds[block], minlength=(len(cells) + 1) * n_classes).reshape(
                -1, n_classes
            )
            for split, truth in truths.items()
        }
        return cls(block, cells, first.classes, counts)

    @property
    def total(self) -> Counts:
        """Rows of all splits, shape ``[G + 1, C]``."""
        total: Counts = np.sum(list(self.counts.values()), axis=0)
        return total

    @property
    def unknown(self) -> int:
        """Rows whose group is not known."""
        return int(self.total[-1].sum())

    @property
    def shown_classes(self) -> tuple[int, ...]:
        """The classes whose base rates are told: the positive one of two, or all."""
        return (1,) if len(self.classes) == 2 else tuple(range(len(self.classes)))

    def rate_name(self, place: int) -> str:
        """What the table calls a class's base rate: ``base_rate``, of several ``base_rate[c]``."""
        return "base_rate" if len(self.classes) == 2 else f"base_rate[{self.classes[place]}]"

    def table(self) -> pd.DataFrame:
        """A row a group: its rows, in all and by split, and base rates with exact intervals.

        The intervals are Clopper and Pearson's, each by itself, for the population that all rows
        together are a sample of.
        """
        known = self.total[:-1]
        rows = known.sum(axis=1)
        found = pd.DataFrame(index=pd.Index(self.cells, name="group"))
        found["rows"] = rows
        found["share"] = rows / max(int(rows.sum()), 1)
        for split, counts in self.counts.items():
            found[split] = counts[:-1].sum(axis=1)
        for place in self.shown_classes:
            low, high = _ends(known[:, place], rows)
            name = self.rate_name(place)
            with np.errstate(invalid="ignore"):
                found[name] = known[:, place] / rows
            found[f"{name}_low"], found[f"{name}_high"] = low, high
        return found

    def gap(self) -> tuple[float, float, float]:
        """The largest difference of a base rate between two groups, with its bootstrap interval."""
        known = self.total[:-1].astype(np.float64)
        draws = resample(known, _DRAWS, np.random.default_rng(0))
        found = percentile(self._gaps(draws), CONFIDENCE)
        return float(self._gaps(known)), float(found.low), float(found.high)

    def _gaps(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of counts of shape ``[..., G, C]``; NaN where fewer than two groups have rows."""
        rows = counts.sum(axis=-1, keepdims=True)
        chosen = counts[..., list(self.shown_classes)]
        rates = np.divide(chosen, rows, out=np.full(chosen.shape, np.nan), where=rows > 0)
        defined = ~np.isnan(rates[..., 0])
        highest = np.where(np.isnan(rates), -np.inf, rates).max(axis=-2)
        lowest = np.where(np.isnan(rates), np.inf, rates).min(axis=-2)
        enough = defined.sum(axis=-1) >= 2
        return np.where(enough, (highest - lowest).max(axis=-1), np.nan)

    def small(self, split: str = "test") -> list[tuple[str, str, int]]:
        """Groups with fewer than `FEW` rows of a class in a split: group, class, rows."""
        counts = self.counts[split][:-1]
        return [
            (cell, name, int(counts[g, c]))
            for g, cell in enumerate(self.cells)
            for c, name in enumerate(self.classes)
            if counts[g, c] < FEW
        ]


def half_width(rows: int) -> float:
    """How far the exact interval of a rate of one half reaches, of so many rows; 1 of none."""
    if rows == 0:
        return 1.0
    low, high = _ends(np.array([rows / 2]), np.array([rows]))
    return float(high[0] - low[0]) / 2


def _ends(
    hits: "NDArray[np.int64] | NDArray[np.float64]", rows: Counts
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    found = limits(hits.astype(np.float64), rows.astype(np.float64), (1 - CONFIDENCE) / 2)
    known = rows > 0
    return np.where(known, found.lower, np.nan), np.where(known, found.upper, np.nan)
