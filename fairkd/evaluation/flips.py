"""Rows on which one model decides rightly and another wrongly, by label and group."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fairkd.evaluation.truth import Truth


@dataclass(frozen=True, eq=False)
class Flips:
    """Counts of flips for one block.

    Attributes:
        labels: the names of the classes.
        cells: the names of the block's cells.
        counts: ``count`` (all rows) and, for each reference r, ``harmful_flips_from_<r>`` (r right,
            student wrong) and ``beneficial_flips_from_<r>`` (the reverse); one number for each
            label and cell, the cells of the first label first.
    """

    labels: tuple[str, ...]
    cells: tuple[str, ...]
    counts: dict[str, list[int]]

    @classmethod
    def of(
        cls,
        truth: Truth,
        block: str,
        student: NDArray[np.int64],
        references: Mapping[str, NDArray[np.int64]],
    ) -> "Flips":
        """Count the flips between decisions.

        Args:
            truth: labels and groups.
            block: the block to group by.
            student: the student's decisions, shape ``[N]``.
            references: those of the models it is compared with, by name.
        """
        cells = truth.blocks[block].cells
        n_classes = len(truth.classes)
        right = student == truth.y

        def counted(rows: NDArray[np.bool_]) -> list[int]:
            kinds = np.bincount(truth.kinds[block][rows], minlength=(len(cells) + 1) * n_classes)
            by_cell: NDArray[np.int64] = kinds.reshape(-1, n_classes)[: len(cells)]
            return [int(count) for count in by_cell.T.ravel()]

        counts = {"count": counted(np.ones(truth.n_rows, dtype=bool))}
        for name, decided in references.items():
            theirs = decided == truth.y
            counts[f"harmful_flips_from_{name}"] = counted(theirs & ~right)
            counts[f"beneficial_flips_from_{name}"] = counted(~theirs & right)
        return cls(truth.classes, cells, counts)

    def table(self) -> pd.DataFrame:
        """One row for each label and cell: the counts, and of flips the share ``<name>_share``.

        Shares of no rows are NaN.
        """
        pairs = [(label, cell) for label in self.labels for cell in self.cells]
        columns: dict[str, Any] = {
            "label": [label for label, _ in pairs],
            "group": [cell for _, cell in pairs],
            "count": self.counts["count"],
        }
        for name, counts in self.counts.items():
            if name != "count":
                columns[name] = counts
                columns[f"{name}_share"] = [
                    count / n if n else float("nan")
                    for count, n in zip(counts, self.counts["count"], strict=True)
                ]
        index = pd.Index(
            [f"{label}, {cell}" for label, cell in pairs], name="label, group", dtype="str"
        )
        return pd.DataFrame(columns, index=index).astype({"label": "str", "group": "str"})

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {"labels": list(self.labels), "cells": list(self.cells), "counts": self.counts}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Flips":
        """What `to_json` gave."""
        return cls(
            tuple(plain["labels"]),
            tuple(plain["cells"]),
            {name: list(map(int, counts)) for name, counts in plain["counts"].items()},
        )
