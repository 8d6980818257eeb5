"""How one model's scores lie by class, group and label, in bins: what its curves are drawn from.

With two classes the score is the probability of the positive class; with up to ten, that of each
class against the rest; above, the probability of the decided class, and the label is whether that
class is right. Bins are equally wide, closed on the left; 1 belongs to the last.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from fairkd.errors import ConfigError, unknown_name
from fairkd.evaluation.calibration import bins_of, confidence_and_outcome
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.rates import reported

BINS = 50
MOST_CLASSES = 10
DECIDED = "decided class"
"""What stands for a class where there are more than ten."""

_DIGITS = 6  # of sums: enough for a mean of [0, 1], and short in a record


class Binned(NamedTuple):
    """Rows in bins.

    Attributes:
        counts: by group, class and label 0 or 1, shape ``[G, K, 2, 50]``, int64.
        sums: of the scores by group and class, to six decimals, shape ``[G, K, 50]``.
    """

    counts: NDArray[np.int64]
    sums: NDArray[np.float64]

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {"counts": self.counts.ravel().tolist(), "sums": self.sums.ravel().tolist()}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any], n_groups: int, n_classes: int) -> "Binned":
        """What `to_json` gave."""
        counts = np.array(plain["counts"], dtype=np.int64)
        sums = np.array(plain["sums"], dtype=np.float64)
        return cls(
            counts.reshape(n_groups, n_classes, 2, BINS), sums.reshape(n_groups, n_classes, BINS)
        )


@dataclass(frozen=True, eq=False)
class Scores:
    """One model's scores in 50 bins; rows whose group is missing count over all rows alone.

    Attributes:
        classes: about which there are scores: the positive one of two, all, or `DECIDED`.
        cells: the names of each block's cells.
        overall: of all rows, as one group.
        blocks: of each block's cells.
    """

    classes: tuple[str, ...]
    cells: Mapping[str, tuple[str, ...]]
    overall: Binned
    blocks: Mapping[str, Binned]

    @classmethod
    def of(cls, predictions: Predictions) -> "Scores":
        """The scores of a model that decides by them (``predictions.decisions`` is ``None``)."""
        scored = _scored(predictions)
        cells = {block.name: block.cells for block in predictions.blocks}
        return cls(
            classes=tuple(scored),
            cells=cells,
            overall=_binned(list(scored.values()), np.zeros_like(predictions.y), 1),
            blocks={
                block: _binned(list(scored.values()), predictions.memberships[block], len(names))
                for block, names in cells.items()
            },
        )

    def roc(self, block: str, cell: str | None, class_name: str) -> pd.DataFrame:
        """The ROC curve at the bins' edges, from no row selected to all.

        Columns ``false_positive_rate`` and ``true_positive_rate``; a rate of no rows is NaN.

        Raises:
            ConfigError: no such block, cell or class.
        """
        counts, _ = self._rows(block, cell, class_name)
        selected = np.zeros((2, BINS + 1))
        selected[:, 1:] = counts[:, ::-1].cumsum(1)
        with np.errstate(invalid="ignore"):
            false_positive, true_positive = selected / selected[:, -1:]
        return pd.DataFrame(
            {"false_positive_rate": false_positive, "true_positive_rate": true_positive}
        )

    def calibration(self, block: str, cell: str | None, class_name: str) -> pd.DataFrame:
        """For each bin with rows, their mean ``score``, the ``share`` with label 1, the ``count``.

        Raises:
            ConfigError: no such block, cell or class.
        """
        counts, sums = self._rows(block, cell, class_name)
        rows = counts.sum(0)
        filled = rows > 0
        return pd.DataFrame(
            {
                "score": sums[filled] / rows[filled],
                "share": counts[1, filled] / rows[filled],
                "count": rows[filled],
            }
        )

    def density(self, block: str, cell: str | None, class_name: str) -> pd.DataFrame:
        """For each label (0, 1) and bin, the bin's middle as ``score`` and the ``share`` of rows.

        The shares of a label sum to 1; those of a label without rows are NaN.

        Raises:
            ConfigError: no such block, cell or class.
        """
        counts, _ = self._rows(block, cell, class_name)
        with np.errstate(invalid="ignore"):
            shares = counts / counts.sum(1, keepdims=True)
        middles = (np.arange(BINS) + 0.5) / BINS
        return pd.DataFrame(
            {
                "score": np.tile(middles, 2),
                "label": np.repeat([0, 1], BINS),
                "share": shares.ravel(),
            }
        )

    def table(self, block: str) -> pd.DataFrame:
        """A row for each cell, class and bin with rows: how many have each label, the mean score.

        Raises:
            ConfigError: no such block.
        """
        counts, sums = self._block(block)
        rows = counts.sum(2)
        g, k, b = np.nonzero(rows)
        return pd.DataFrame(
            {
                "group": np.array(self.cells[block], dtype=object)[g],
                "class": np.array(self.classes, dtype=object)[k],
                "from": b / BINS,
                "to": (b + 1) / BINS,
                "label_0": counts[g, k, 0, b],
                "label_1": counts[g, k, 1, b],
                "mean_score": sums[g, k, b] / rows[g, k, b],
            }
        )

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "classes": list(self.classes),
            "cells": {block: list(names) for block, names in self.cells.items()},
            "overall": self.overall.to_json(),
            "blocks": {block: binned.to_json() for block, binned in self.blocks.items()},
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Scores":
        """What `to_json` gave, every float with the same bits."""
        n_classes = len(plain["classes"])
        cells = {block: tuple(names) for block, names in plain["cells"].items()}
        return cls(
            classes=tuple(plain["classes"]),
            cells=cells,
            overall=Binned.from_json(plain["overall"], 1, n_classes),
            blocks={
                block: Binned.from_json(binned, len(cells[block]), n_classes)
                for block, binned in plain["blocks"].items()
            },
        )

    def _rows(
        self, block: str, cell: str | None, class_name: str
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Counts by label, shape ``[2, 50]``, and sums, shape ``[50]``, of one cell or all rows."""
        binned, names = self._block(block), self.cells[block]
        if class_name not in self.classes:
            raise ConfigError(unknown_name("class of these scores", class_name, self.classes))
        if cell is not None and cell not in names:
            raise ConfigError(unknown_name(f"cell of block '{block}'", cell, names))
        k = self.classes.index(class_name)
        if cell is None:
            return self.overall.counts[0, k], self.overall.sums[0, k]
        g = names.index(cell)
        return binned.counts[g, k], binned.sums[g, k]

    def _block(self, block: str) -> Binned:
        if block not in self.blocks:
            raise ConfigError(unknown_name("group block", block, self.blocks))
        return self.blocks[block]


class _Scored(NamedTuple):
    """Each row's score, its bin, and whether what is scored is true, shape ``[N]`` each."""

    score: NDArray[np.float64]
    bin: NDArray[np.int64]
    label: NDArray[np.int64]


def _scored(predictions: Predictions) -> dict[str, _Scored]:
    """By class, in their order."""
    classes, p = predictions.classes, torch.from_numpy(predictions.probabilities)
    y = torch.from_numpy(predictions.y)
    if len(classes) > MOST_CLASSES:
        confidence, right = confidence_and_outcome(p, y)
        found = {DECIDED: (confidence, right.long())}
    else:
        found = {classes[k]: (p[:, k], (y == k).long()) for k in reported(len(classes))}
    return {
        name: _Scored(score.numpy(), bins_of(score, BINS).numpy(), label.numpy())
        for name, (score, label) in found.items()
    }


def _binned(scored: list[_Scored], group: NDArray[np.int64], n_groups: int) -> Binned:
    """Rows in bins; those whose group is -1 are left out."""
    place = group % (n_groups + 1)
    groups = n_groups + 1
    counts = [
        np.bincount((place * 2 + of.label) * BINS + of.bin, minlength=groups * 2 * BINS)
        for of in scored
    ]
    sums = [
        np.bincount(place * BINS + of.bin, weights=of.score, minlength=groups * BINS)
        for of in scored
    ]
    return Binned(
        np.stack([each.reshape(groups, 2, BINS)[:-1] for each in counts], axis=1),
        np.stack([each.reshape(groups, BINS)[:-1] for each in sums], axis=1)
        .astype(np.float64)
        .round(_DIGITS),
    )
