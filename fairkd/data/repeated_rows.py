"""Rows that are in a table twice, perhaps on both sides of its split."""

import numpy as np
import pandas as pd

from fairkd.data.kinds import is_nested

_MOST = 0.5
"""A table of few columns repeats itself by nature; with this share of repeats nothing is said."""


def told_repeats(frame: pd.DataFrame) -> list[str]:
    """A line about rows that equal an earlier one in every column; none where there are none."""
    names = [name for name in frame.columns if not is_nested(frame[name])]
    if not names:
        return []
    hashes = np.zeros(len(frame), dtype=np.uint64)
    for name in names:  # one column at a time: little memory, whatever the table's width
        hashes *= np.uint64(0x9E3779B97F4A7C15)
        hashes += pd.util.hash_pandas_object(frame[name], index=False).to_numpy()
    repeats = len(frame) - len(np.unique(hashes))
    if not 0 < repeats <= _MOST * len(frame):
        return []
    rows, equal = ("row equals", "it") if repeats == 1 else ("rows equal", "them")
    return [
        f"{repeats:,} {rows} an earlier one in every column; if the same cases were entered twice, "
        f"remove {equal}, since training and test rows share them"
    ]
