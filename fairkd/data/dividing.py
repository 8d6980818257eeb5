"""Ways to divide rows in two: at random, whole entities together, or the latest from the others."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype
from sklearn.model_selection import train_test_split

from fairkd.data.values import as_codes, as_numbers, as_read_numbers, is_number
from fairkd.errors import DataError

Rows = npt.NDArray[np.int64]
Divide = Callable[[Rows, float], tuple[Rows, Rows]]
"""From ascending rows and a fraction, the rest and that fraction, both ascending."""


def stratified(labels: Rows, classes: Sequence[str], seed: int) -> Divide:
    """The fraction of each class.

    Args:
        labels: class indices, shape ``[N]``.
        classes: the classes' names, for the sentences.
        seed: decides the draw.

    Raises:
        DataError: dividing a class with too few rows for both parts to have one.
    """

    def divide(rows: Rows, fraction: float) -> tuple[Rows, Rows]:
        counts = np.bincount(labels[rows], minlength=len(classes))
        rarest = int(counts.argmin())
        too_few = DataError(
            f"The class '{classes[rarest]}' has {counts[rarest]} of the {len(rows)} rows to be "
            "split, too few for every class to appear in every split; use more rows, or change "
            "data.validation_fraction or data.test_fraction."
        )
        if counts[rarest] < 2:
            raise too_few
        try:
            first, second = _drawn(rows, fraction, seed, labels[rows])
        except ValueError as error:
            raise too_few from error
        for part in (first, second):
            if len(np.unique(labels[part])) < len(classes):
                raise too_few
        return first, second

    return divide


def at_random(seed: int) -> Divide:
    """The fraction of all rows, whatever they are.

    Raises:
        DataError: dividing too few rows for both parts to have one.
    """

    def divide(rows: Rows, fraction: float) -> tuple[Rows, Rows]:
        try:
            return _drawn(rows, fraction, seed)
        except ValueError as error:
            raise DataError(
                f"The rows to be split ({len(rows)}) are too few to take {fraction:g} of them; use "
                "more rows, or change data.validation_fraction or data.test_fraction."
            ) from error

    return divide


def whole_entities(
    column: "pd.Series[Any]", labels: Rows, classes: Sequence[str], seed: int
) -> Divide:
    """The fraction of the entities, with all rows of each; stratified on the rarest of its classes.

    Args:
        column: whose row it is, shape ``[N]``.
        labels: class indices, shape ``[N]``.
        classes: the classes' names, for the sentences.
        seed: decides the draw.

    Raises:
        DataError: a row of no entity; or, in dividing, a class in too few entities.
    """
    codes, _ = as_codes(column)
    _refuse_missing(column, codes < 0)

    def divide(rows: Rows, fraction: float) -> tuple[Rows, Rows]:
        entities, places = np.unique(codes[rows], return_inverse=True)
        rarity = np.bincount(labels[rows], minlength=len(classes)).argsort(kind="stable").argsort()
        stratum = np.full(len(entities), len(classes))
        np.minimum.at(stratum, places, rarity[labels[rows]])
        try:
            _, second = _drawn(np.arange(len(entities)), fraction, seed, stratum)
        except ValueError as error:
            raise DataError(
                f"The column '{column.name}' has {len(entities)} distinct values in the "
                f"{len(rows)} rows to be split, too few entities for every class to appear in "
                "every split; use more, choose another data.split.column, or change "
                "data.validation_fraction or data.test_fraction."
            ) from error
        taken = np.isin(places, second)
        return rows[~taken], rows[taken]

    return divide


def latest(column: "pd.Series[Any]") -> Divide:
    """The fraction of all rows that comes last; rows of one time stay together.

    The cut is between two times, as near to the fraction as they allow.

    Args:
        column: numbers (as text too), or dates as ISO 8601 writes them, shape ``[N]``.

    Raises:
        DataError: a time that is missing or no time; or, in dividing, rows of a single time.
    """
    times = _times(column)

    def divide(rows: Rows, fraction: float) -> tuple[Rows, Rows]:
        order = rows[times[rows].argsort(kind="stable")]
        ordered = times[order]
        begins = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
        if not len(begins):
            raise DataError(
                f"The {len(rows)} rows to be split have one and the same value in the column "
                f"'{column.name}', so none is later than another; choose another "
                "data.split.column, or change data.validation_fraction or data.test_fraction."
            )
        wanted = len(rows) - np.ceil(fraction * len(rows))
        cut = begins[np.abs(begins - wanted).argmin()]
        return np.sort(order[:cut]), np.sort(order[cut:])

    return divide


def _drawn(rows: Rows, fraction: float, seed: int, strata: Rows | None = None) -> tuple[Rows, Rows]:
    parts: list[Rows] = train_test_split(
        rows, test_size=fraction, stratify=strata, random_state=seed
    )
    first, second = (np.sort(part) for part in parts)
    return first, second


def _times(column: "pd.Series[Any]") -> npt.NDArray[np.float64] | Rows:
    if is_number(column):
        numbers = as_numbers(column)
        _refuse_missing(column, np.isnan(numbers))
        return numbers
    _refuse_missing(column, column.isna().to_numpy())
    if not is_bool_dtype(column) and not is_datetime64_any_dtype(column):
        read = as_read_numbers(column)
        if np.isfinite(read).all():
            return read
    dates = pd.to_datetime(column, format="ISO8601", utc=True, errors="coerce")
    unread = dates.isna().to_numpy()
    if unread.any():
        raise DataError(
            f"The column '{column.name}' named in data.split.column holds "
            f"'{column[unread].iloc[0]}', which is neither a number nor a date as in 2024-01-31 or "
            "2024-01-31T12:00; write it so, or choose another column."
        )
    moments: Rows = np.asarray(dates.astype("int64"), dtype=np.int64)
    return moments


def _refuse_missing(column: "pd.Series[Any]", missing: npt.NDArray[np.bool_]) -> None:
    if missing.any():
        raise DataError(
            f"The column '{column.name}' named in data.split.column is empty in "
            f"{int(missing.sum())} of {len(missing)} rows; fill it in, or remove those rows."
        )
