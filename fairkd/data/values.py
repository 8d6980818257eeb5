"""Raw columns read one way, whatever type a reader gave them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from fairkd.errors import DataError

MISSING = "(missing)"

Texts = npt.NDArray[np.object_]
Codes = npt.NDArray[np.int64]


def require_columns(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse rows that lack a column.

    Raises:
        DataError: it names the absent columns and all that are needed.
    """
    require_names([str(name) for name in frame.columns], columns, "The rows have")


def require_names(given: Sequence[str], needed: Sequence[str], whose: str) -> None:
    """Refuse a list of columns that lacks one.

    Args:
        given: the columns there are.
        needed: those that have to be.
        whose: the columns are, as the sentence begins (``The rows have``).

    Raises:
        DataError: it names the absent columns and all that are needed.
    """
    absent = [name for name in needed if name not in given]
    if absent:
        raise DataError(f"{whose} no column {', '.join(absent)}; needed: {', '.join(needed)}.")


def is_number(column: "pd.Series[Any]") -> bool:
    """Whether a column holds numbers (truth values are categories)."""
    return bool(is_numeric_dtype(column) and not is_bool_dtype(column))


def as_codes(column: "pd.Series[Any]") -> tuple[Codes, tuple[str, ...]]:
    """A column's values as places in a list of distinct texts, shape ``[N]``; -1 where missing.

    The texts come in the order of their first rows. Whole numbers lose their fraction, since a
    reader turns a column of integers into floats as soon as one value is missing: ``1`` and ``1.0``
    are both ``"1"``.
    """
    codes, values = pd.factorize(column)
    texts = [_text(value) for value in values]
    place = {text: at for at, text in enumerate(dict.fromkeys(texts))}
    if len(place) == len(texts):
        return codes.astype(np.int64, copy=False), tuple(texts)
    merged = np.array([*(place[text] for text in texts), -1], dtype=np.int64)
    return merged[codes], tuple(place)


def as_text(column: "pd.Series[Any]") -> Texts:
    """Return a column's values as text, shape ``[N]`` (see `as_codes`); ``None`` where missing."""
    return _spelled(column, None)


def as_categories(column: "pd.Series[Any]") -> Texts:
    """Return a column's values as text, shape ``[N]``; missing is a category of its own."""
    return _spelled(column, MISSING)


def _spelled(column: "pd.Series[Any]", missing: str | None) -> Texts:
    codes, values = as_codes(column)
    texts: Texts = np.array([*values, missing], dtype=object)[codes]
    return texts


def as_numbers(column: "pd.Series[Any]") -> npt.NDArray[np.float64]:
    """Return a column's values as float64, shape ``[N]``; a missing value is NaN.

    Raises:
        DataError: a value is not a finite number.
    """
    if column.dtype.kind in "mM":  # pandas would take the nanoseconds of a date
        column = column.astype(str).where(column.notna())
    numbers = as_read_numbers(column)
    broken = (np.isnan(numbers) & column.notna().to_numpy()) | np.isinf(numbers)
    if broken.any():
        raise DataError(
            f"The column '{column.name}' holds '{column[broken].iloc[0]}', which is not a finite "
            "number; correct it, or leave it empty if it is missing."
        )
    return numbers


def as_read_numbers(column: "pd.Series[Any]") -> npt.NDArray[np.float64]:
    """Return a column's values as float64, shape ``[N]``; what is no number is NaN."""
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _text(value: object) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
