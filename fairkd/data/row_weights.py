"""How much each row counts in training, out of a column."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairkd.data.values import as_read_numbers
from fairkd.errors import DataError


def row_weights(column: "pd.Series[Any]") -> npt.NDArray[np.float32]:
    """A column's weights over their mean, shape ``[N]``.

    Args:
        column: positive finite numbers, of one split.

    Raises:
        DataError: a weight that is missing, no number, or not above 0.
    """
    weights = as_read_numbers(column)
    wrong = ~(np.isfinite(weights) & (weights > 0))
    if wrong.any():
        given = column[wrong].iloc[0]
        holds = "an empty cell" if pd.isna(given) else f"'{given}'"
        raise DataError(
            f"The column '{column.name}' named in data.weights holds {holds}; accepted: positive "
            "numbers: correct it, or remove rows that should not count."
        )
    scaled: npt.NDArray[np.float32] = (weights / weights.mean()).astype(np.float32)
    return scaled
