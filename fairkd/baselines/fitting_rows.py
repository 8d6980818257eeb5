"""The rows that a baseline is fitted on, and when they do not do."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairkd import checks
from fairkd.baselines.baseline import MEASURED
from fairkd.baselines.names import STATISTICS
from fairkd.data.blocks import Block
from fairkd.data.dataset import Dataset
from fairkd.errors import ConfigError
from fairkd.evaluation.truth import Truth


@dataclass(frozen=True, eq=False)
class FittingRows:
    """Labels and groups of one split, as far as the group is known.

    Attributes:
        x: features, shape ``[N, D]``.
        y: labels, 0 or 1, shape ``[N]``.
        cell: each row's cell of the block, shape ``[N]``.
        block: the block.
    """

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    cell: NDArray[np.int64]
    block: Block

    @classmethod
    def of(cls, dataset: Dataset, split: str, by: str | None) -> "FittingRows":
        """The rows of a split whose cell of a block is known."""
        batch = dataset.splits[split]
        block = dataset.blocks.named(by)
        truth = Truth.of(batch, dataset.blocks, dataset.classes)
        cell = truth.memberships[block.name]
        known = cell >= 0
        x = batch.floats.flatten(1).cpu().numpy()[known]
        return cls(x, truth.y[known], cell[known], block)

    def present(self, rows: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """The rows of every cell that has any, among some of the rows or all."""
        cells = self.cell if rows is None else self.cell[rows]
        counts = np.bincount(cells, minlength=len(self.block.cells))
        return counts[counts > 0]


def check_words(statistic: str, seed: int) -> None:
    """Refuse a statistic that Fairlearn's baselines do not bound, and a seed out of range.

    Raises:
        ConfigError: naming what is accepted.
    """
    checks.choice("statistic", statistic, STATISTICS)
    checks.whole("seed", seed, most=checks.LARGEST_SEED)


def check_two_classes(dataset: Dataset) -> None:
    """Refuse more than two classes.

    Raises:
        ConfigError: there are.
    """
    if len(dataset.classes) != 2:
        raise ConfigError(
            f"Fairlearn's baselines decide between two classes, and {dataset.name} has "
            f"{len(dataset.classes)}; choose baseline=none, or data with two."
        )


def events(statistic: str, y: NDArray[np.int64]) -> list[NDArray[np.bool_]]:
    """The rows among which groups are compared: all, one label's, or each label's in turn."""
    labels = {
        "selection_rate": [y >= 0],
        "true_positive_rate": [y == 1],
        "false_positive_rate": [y == 0],
        "equalized_odds": [y == 1, y == 0],
    }
    return labels[statistic]


def check_comparable(rows: FittingRows, statistic: str, split: str) -> None:
    """Refuse rows among which the statistic compares nothing.

    Raises:
        ConfigError: a statistic's rows are of fewer than two groups.
    """
    for event in events(statistic, rows.y):
        if len(rows.present(event)) < 2:
            raise ConfigError(
                f"fewer than two groups of {rows.block.name} have rows in {split} that "
                f"statistic={statistic} counts, so there is nothing to compare; choose another "
                "block (by), or another statistic."
            )


def check_both_labels(dataset: Dataset, by: str | None, split: str) -> None:
    """Refuse a group that is to be decided and whose rows of a split have one label only.

    No curve of thresholds could be drawn for it. Cells without any row cost nothing.

    Raises:
        ConfigError: naming the group.
    """
    rows = FittingRows.of(dataset, split, by)
    decided = np.unique(np.concatenate([FittingRows.of(dataset, s, by).cell for s in MEASURED]))
    width = 2 * len(rows.block.cells)
    counts = np.bincount(rows.cell * 2 + rows.y, minlength=width).reshape(-1, 2)
    for cell in decided:
        if 0 in counts[cell]:
            raise ConfigError(
                f"'{rows.block.cells[cell]}' of {rows.block.name} has no row labelled "
                f"'{dataset.classes[int(counts[cell].argmin())]}' in {split}, where its thresholds "
                "are chosen; merge small groups (data.rare_groups.rule=merge_below_rows), keep "
                "more rows for validation (data.validation_fraction), or choose another block (by)."
            )
