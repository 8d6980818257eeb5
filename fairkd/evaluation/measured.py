"""Values with their intervals, by group and by name, and how they become an `Evaluation`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fairkd.evaluation.evaluation import Evaluation, Layout
from fairkd.evaluation.flips import Flips
from fairkd.evaluation.intervals import Interval, Intervals
from fairkd.evaluation.rates import reported
from fairkd.evaluation.truth import Truth


class Measured(NamedTuple):
    """A value and its interval."""

    value: float
    interval: Interval


class Column(NamedTuple):
    """A per-group value, shape ``[G]``, and its intervals; counts have none."""

    values: NDArray[np.float64] | NDArray[np.int64]
    intervals: list[Interval] | None = None


@dataclass(frozen=True, eq=False)
class BlockRecord:
    """One block's numbers, or a part of them.

    Attributes:
        cells: the names of the groups.
        columns: per-group values by metric; with more than two classes a one-versus-rest metric has
            one column a class, ``<metric>[<class>]``.
        disparities: by name.
    """

    cells: tuple[str, ...]
    columns: dict[str, Column]
    disparities: dict[str, Measured]

    def beside(self, other: "BlockRecord") -> "BlockRecord":
        """Both records' numbers, this one's first."""
        return BlockRecord(
            self.cells, self.columns | other.columns, self.disparities | other.disparities
        )


@dataclass(frozen=True, eq=False)
class Record:
    """The numbers of one model, or a part of them.

    Attributes:
        overall: over all rows, by name.
        blocks: by block.
    """

    overall: dict[str, Measured]
    blocks: dict[str, BlockRecord]

    def beside(self, other: "Record") -> "Record":
        """Both records' numbers, this one's first."""
        return Record(
            self.overall | other.overall,
            {name: block.beside(other.blocks[name]) for name, block in self.blocks.items()},
        )


def class_column(name: str, k: int, classes: tuple[str, ...]) -> str:
    """The name of a one-versus-rest metric of class k: plain with two classes."""
    return name if len(classes) == 2 else f"{name}[{classes[k]}]"


def count_columns(truth: Truth) -> Record:
    """The rows of each group, and its rows of each class that counts."""
    blocks = {}
    for block in truth.blocks:
        width = (len(block.cells) + 1) * len(truth.classes)
        counts = np.bincount(truth.kinds[block.name], minlength=width)
        by_class = counts.reshape(-1, len(truth.classes))[:-1]
        columns = {"count": Column(by_class.sum(-1))}
        for k in reported(len(truth.classes)):
            columns[class_column("positives", k, truth.classes)] = Column(by_class[:, k])
        blocks[block.name] = BlockRecord(block.cells, columns, {})
    return Record({}, blocks)


def rate_columns(
    name: str, values: NDArray[np.float64], intervals: Intervals, classes: tuple[str, ...]
) -> dict[str, Column]:
    """The column or columns of a rate of shape ``[G]`` or, one-versus-rest, ``[G, K]``."""
    groups = range(len(values))
    if values.ndim == 1:
        return {name: Column(values, [intervals.at(g) for g in groups])}
    return {
        class_column(name, k, classes): Column(
            values[:, place], [intervals.at((g, place)) for g in groups]
        )
        for place, k in enumerate(reported(len(classes)))
    }


def assemble(
    record: Record,
    missing: Mapping[str, int] | None = None,
    flips: Mapping[str, Flips] | None = None,
) -> Evaluation:
    """Name every number: ``<metric>``, ``<metric>/<block>`` and ``<metric>/<block>.<cell>``.

    Args:
        record: the numbers.
        missing: for each block, the rows whose cell is not known: ``missing/<block>``.
        flips: for each block, `Flips` to go beside its table.
    """
    found = dict(record.overall)
    counts = {f"missing/{block}": float(rows) for block, rows in (missing or {}).items()}
    for name, block in record.blocks.items():
        found |= {f"{metric}/{name}": value for metric, value in block.disparities.items()}
        for metric, column in block.columns.items():
            keys = [f"{metric}/{name}.{cell}" for cell in block.cells]
            values: list[float] = column.values.astype(np.float64).tolist()
            if column.intervals is None:
                counts |= dict(zip(keys, values, strict=True))
            else:
                found |= dict(zip(keys, map(Measured, values, column.intervals), strict=True))
    intervals = {name: measured.interval for name, measured in found.items()}
    return Evaluation(
        metrics={name: measured.value for name, measured in found.items()} | counts,
        intervals={name: (interval.low, interval.high) for name, interval in intervals.items()},
        layouts={
            name: Layout(block.cells, tuple(block.columns)) for name, block in record.blocks.items()
        },
        flips=dict(flips or {}),
        undefined_draws={
            name: interval.undefined for name, interval in intervals.items() if interval.undefined
        },
    )
