"""Percentile intervals of statistics of counts, by reading them on drawn tables."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fairkd.evaluation.intervals import Intervals, percentile
from fairkd.evaluation.row_draws import RowDraws


class Estimates(NamedTuple):
    """A statistic of the observed tables, shape ``[K, ...]``, and its intervals."""

    values: NDArray[np.float64]
    intervals: Intervals


def bootstrap(
    tables: NDArray[np.float64],
    statistics: Callable[[Tensor], Mapping[str, Tensor]],
    drawn: RowDraws,
    confidence: float,
) -> dict[str, Estimates]:
    """Several statistics of several tables of counts of the same rows, with their intervals.

    Args:
        tables: whole counts of K tables of one shape, ``[K, ...]``; the intervals of one do not
            depend on the tables beside it.
        statistics: from tables ``[K, d, ...]`` (float64) to named values ``[K, d, ...]``.
        drawn: draws of the rows.
        confidence: of each interval by itself.
    """
    shapes: dict[str, torch.Size] = {}
    parts = []
    for portion in drawn.of(tables):
        found = statistics(portion)
        shapes = {name: values.shape[2:] for name, values in found.items()}
        parts.append(_side_by_side(found))
    values = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
    observed, replicates = values[..., 0], values[..., 1:]
    bounds = percentile(np.moveaxis(replicates, -1, 0), confidence)
    estimates = {}
    start = 0
    for name, shape in shapes.items():
        place = slice(start, start + shape.numel())
        start = place.stop
        of_name = (array[:, place].reshape(-1, *shape) for array in (observed, *bounds))
        value, low, high, undefined = of_name
        estimates[name] = Estimates(value, Intervals(low, high, undefined))
    return estimates


def _side_by_side(values: Mapping[str, Tensor]) -> NDArray[np.float64]:
    """All values of each table, ``[K, values, d]``, from ``[K, d, ...]`` each."""
    flat = [
        value.movedim(1, -1).reshape(len(value), -1, value.shape[1]) for value in values.values()
    ]
    side_by_side: NDArray[np.float64] = torch.cat(flat, dim=1).numpy()
    return side_by_side
