"""Values with their intervals, by group and by name, and how they become an `Evaluation`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.intervals import Interval, Intervals
from fairkd.evaluation.rates import reported


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
    """One block's numbers.

    Attributes:
        cells: the names of the groups.
        columns: per-group values by metric; with more than two classes a one-versus-rest metric has
            one column a class, ``<metric>[<class>]``.
        disparities: by name.
        missing: rows whose cell is not known.
    """

    cells: tuple[str, ...]
    columns: dict[str, Column]
    disparities: dict[str, Measured]
    missing: int

    def table(self) -> pd.DataFrame:
        """One row a cell (empty ones too), with ``<metric>_low`` and ``_high`` beside a metric."""
        columns: dict[str, object] = {}
        for name, column in self.columns.items():
            columns[name] = column.values
            if column.intervals is not None:
                columns[f"{name}_low"] = [interval.low for interval in column.intervals]
                columns[f"{name}_high"] = [interval.high for interval in column.intervals]
        return pd.DataFrame(columns, index=pd.Index(self.cells, name="group", dtype="str"))


def class_column(name: str, k: int, classes: tuple[str, ...]) -> str:
    """The name of a one-versus-rest metric of class k: plain with two classes."""
    return name if len(classes) == 2 else f"{name}[{classes[k]}]"


def rate_columns(
    name: str, values: Tensor, intervals: Intervals, classes: tuple[str, ...]
) -> dict[str, Column]:
    """The column or columns of a rate of shape ``[G]`` or, one-versus-rest, ``[G, K]``."""
    groups = range(len(values))
    if values.ndim == 1:
        return {name: Column(values.numpy(), [intervals.at(g) for g in groups])}
    return {
        class_column(name, k, classes): Column(
            values[:, place].numpy(), [intervals.at((g, place)) for g in groups]
        )
        for place, k in enumerate(reported(len(classes)))
    }


def assemble(overall: Mapping[str, Measured], blocks: Mapping[str, BlockRecord]) -> Evaluation:
    """Name every number: ``<metric>``, ``<metric>/<block>`` and ``<metric>/<block>.<cell>``."""
    found = dict(overall)
    counts: dict[str, float] = {}
    for block, record in blocks.items():
        counts[f"missing/{block}"] = float(record.missing)
        found |= {f"{name}/{block}": value for name, value in record.disparities.items()}
        for name, column in record.columns.items():
            keys = [f"{name}/{block}.{cell}" for cell in record.cells]
            values = [float(value) for value in column.values]
            if column.intervals is None:
                counts |= dict(zip(keys, values, strict=True))
            else:
                found |= dict(zip(keys, map(Measured, values, column.intervals), strict=True))
    intervals = {name: measured.interval for name, measured in found.items()}
    return Evaluation(
        metrics={name: measured.value for name, measured in found.items()} | counts,
        intervals={name: (interval.low, interval.high) for name, interval in intervals.items()},
        tables={block: record.table() for block, record in blocks.items()},
        undefined_draws={
            name: interval.undefined for name, interval in intervals.items() if interval.undefined
        },
    )
