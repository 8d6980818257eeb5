"""Feature cells deleted at random, as if they had never been recorded."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from fairkd.data.flips import chosen


def without_cells(
    frames: Mapping[str, pd.DataFrame],
    columns: Sequence[str],
    share: float,
    random: np.random.Generator,
) -> dict[str, pd.DataFrame]:
    """The frames with a share of the cells of some columns missing, in each of them.

    Args:
        frames: raw rows by split, left as they are.
        columns: whose cells may be deleted, each alike.
        share: of all their cells, those that are missing already included.
        random: of the features alone.
    """
    return {name: _without_cells(frame, columns, share, random) for name, frame in frames.items()}


def _without_cells(
    frame: pd.DataFrame, columns: Sequence[str], share: float, random: np.random.Generator
) -> pd.DataFrame:
    shape = (len(frame), len(columns))
    deleted = np.zeros(shape[0] * shape[1], dtype=np.bool_)
    deleted[chosen(random.permutation(len(deleted)), share)] = True
    masks = deleted.reshape(shape).T
    return frame.assign(
        **{name: frame[name].mask(mask) for name, mask in zip(columns, masks, strict=True)}
    )
