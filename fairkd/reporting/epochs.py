"""A model's numbers by epoch; a reader counts epochs from 1."""

import math
from collections.abc import Mapping, Sequence

History = Sequence[Mapping[str, float]]


def epochs(history: History) -> list[int]:
    """The rows' epochs, from 1."""
    return [int(row.get("epoch", place)) + 1 for place, row in enumerate(history)]


def values(history: History, key: str) -> list[float]:
    """One number of every row; NaN where a row lacks it."""
    return [row.get(key, math.nan) for row in history]


def kept_point(history: History, kept: int | None, key: str) -> tuple[int, float] | None:
    """The kept epoch, from 1, and one of its numbers; ``None`` where that is not known.

    Args:
        history: rows by epoch.
        kept: the place of the kept epoch's row, from 0, as records have it.
        key: of the number.
    """
    if kept is None or kept >= len(history) or key not in history[kept]:
        return None
    return epochs(history)[kept], history[kept][key]
