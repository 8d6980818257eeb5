"""What a raw column's values are, and the column as a preparation reads them."""

import re
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import infer_dtype, is_bool_dtype, is_datetime64_any_dtype

from fairkd.data.dates import as_dates, as_days, look_like_dates
from fairkd.data.number_forms import note_of
from fairkd.data.values import as_text, is_number
from fairkd.errors import DataError

NUMBER, CATEGORY, BOOLEAN, DATE, NESTED = "number", "category", "boolean", "date", "nested"
TYPES = (NUMBER, CATEGORY, BOOLEAN, DATE)
"""What ``data.types`` accepts."""
LARGEST_WHOLE = 2**53
"""Above it a float64 no longer tells two neighbouring whole numbers apart."""
YES = frozenset({"yes", "y", "true", "t"})
NO = frozenset({"no", "n", "false", "f"})

EXPONENT_CODE = re.compile(r"\d+[eE]\d+")
"""Codes such as ``10E2``: programs that write a power of ten add a point or a sign."""

_LEADING_ZERO = re.compile(r"[+-]?0\d+")
_WHOLE = re.compile(r"[+-]?\d+")
_MOSTLY = 0.5


class Seen(NamedTuple):
    """A column as it was read.

    Attributes:
        kind: one of `TYPES`, or ``nested`` for lists and the like.
        column: its values; numbers are numbers, dates are dates, blank texts are missing.
        distinct: how many different values there are, missing not counted; 0 where nested.
        missing: rows without a value.
        note: what a person should know of how it was read; may be empty.
    """

    kind: str
    column: "pd.Series[Any]"
    distinct: int
    missing: int
    note: str = ""


def seen(column: "pd.Series[Any]", asked: str | None = None) -> Seen:
    """Find what a column holds, or read it as what it is asked to be.

    Text is a number where all of it is, around spaces; but not where a number begins with a
    superfluous 0, as post codes do, or is whole and above `LARGEST_WHOLE`. A date is
    ``YYYY-MM-DD``, with or without a time, or has the year last. A number stays one, however few
    values it has.

    Args:
        column: raw values.
        asked: one of `TYPES`; ``None`` to find out. A date that is asked for is days since 1970.

    Raises:
        DataError: a value is not what is asked for.
    """
    if is_nested(column):
        return Seen(NESTED, column, 0, int(column.isna().sum()))
    found = _inferred(column) if asked is None else _as_asked(column, asked)
    return Seen(
        found.kind,
        found.column,
        int(found.column.nunique()),
        int(found.column.isna().sum()),
        found.note,
    )


def is_nested(column: "pd.Series[Any]") -> bool:
    """Whether a column holds lists, mappings, arrays or bytes."""
    if isinstance(column.dtype, pd.ArrowDtype):
        return str(column.dtype).startswith(("list", "large_list", "fixed_size_list", "struct"))
    held = infer_dtype(column, skipna=True) if column.dtype == object else ""
    return held == "bytes" or (
        held == "mixed"
        and any(isinstance(value, list | tuple | set | dict | np.ndarray) for value in column)
    )


class _Found(NamedTuple):
    kind: str
    column: "pd.Series[Any]"
    note: str = ""


def _inferred(column: "pd.Series[Any]") -> _Found:
    if is_bool_dtype(column):
        return _Found(BOOLEAN, column)
    if is_datetime64_any_dtype(column):
        return _Found(DATE, column)
    if is_number(column):
        return _number(column)
    held = infer_dtype(column, skipna=True) if column.dtype == object else ""
    if held == "boolean":
        return _Found(BOOLEAN, column)
    if held in ("date", "datetime", "datetime64"):
        return _Found(DATE, column)
    if held in ("decimal", "floating", "mixed-integer-float"):
        return _Found(NUMBER, column.astype(float))
    if held == "integer":
        return _number(column)
    return _text(column)


def _number(column: "pd.Series[Any]") -> _Found:
    """Numbers as they are, unless float64 would make one of two."""
    if column.dtype == object or column.dtype.kind in "iu":
        highest, lowest = column.max(), column.min()
        if pd.notna(highest) and max(int(highest), -int(lowest)) > LARGEST_WHOLE:
            return _too_large(column)
    return _Found(NUMBER, pd.to_numeric(column) if column.dtype == object else column)


def _too_large(column: "pd.Series[Any]") -> _Found:
    note = "whole numbers above 2^53, which would lose digits as numbers: read as categories"
    return _Found(CATEGORY, _category(column), note)


def _text(column: "pd.Series[Any]") -> _Found:
    """Text by what its distinct values are."""
    codes, values = pd.factorize(column)
    texts = [str(value).strip() for value in values]
    blank = np.array([not text for text in texts] + [True])  # a missing value has code -1
    if blank[:-1].any():
        column = column.mask(blank[codes])
    known = [text for text in texts if text]
    if not known:
        return _Found(CATEGORY, column)
    if {text.casefold() for text in known} <= YES | NO and len(known) > 1:
        return _Found(BOOLEAN, column)
    if any(map(_LEADING_ZERO.fullmatch, known)):
        note = "numbers that begin with 0, as post codes do: read as categories"
        all_digits = all(map(_WHOLE.fullmatch, known))
        return _Found(CATEGORY, column, note if all_digits else "")
    if any(_WHOLE.fullmatch(text) and abs(int(text)) > LARGEST_WHOLE for text in known):
        return _too_large(column)
    if all(map(EXPONENT_CODE.fullmatch, known)):
        return _Found(CATEGORY, column, f"codes such as '{known[0]}': read as categories")
    numbers = _parsed(texts)
    is_one = ~np.isnan(numbers)
    if is_one[~blank[:-1]].all():
        return _Found(NUMBER, _taken(column, codes, numbers))
    if look_like_dates(known):
        return _date(column)
    return _Found(CATEGORY, column, _mixed(codes, texts, is_one, blank) or note_of(known))


def _date(column: "pd.Series[Any]") -> _Found:
    dates = as_dates(column)
    if dates is not None:
        return _Found(DATE, dates)
    return _Found(
        DATE, column, "not all are dates, or whether the day or the month comes first is not known"
    )


def _mixed(
    codes: npt.NDArray[np.intp],
    texts: list[str],
    is_one: npt.NDArray[np.bool_],
    blank: npt.NDArray[np.bool_],
) -> str:
    """What to say of text that is mostly numbers."""
    rows = np.bincount(codes[codes >= 0], minlength=len(texts))
    known = ~blank[:-1]
    others = known & ~is_one
    numeric, all_rows = int(rows[is_one & known].sum()), int(rows[known].sum())
    if numeric < _MOSTLY * all_rows:
        return ""
    first = texts[int(others.argmax())]
    return (
        f"{all_rows - numeric:,} of {all_rows:,} values are no numbers, such as '{first}': "
        "read as categories"
    )


def _as_asked(column: "pd.Series[Any]", asked: str) -> _Found:
    if asked == DATE:
        return _Found(DATE, as_days(column))
    if asked == CATEGORY:
        return _Found(CATEGORY, _category(column))
    if asked == BOOLEAN:
        return _Found(BOOLEAN, _boolean(column))
    return _Found(NUMBER, _asked_number(column))


def _asked_number(column: "pd.Series[Any]") -> "pd.Series[Any]":
    if is_number(column):
        return column
    if is_bool_dtype(column):
        return column.astype(float)
    codes, values = pd.factorize(column)
    texts = [str(value).strip() for value in values]
    numbers = _parsed(texts)
    wrong = [text for text, one in zip(texts, numbers, strict=True) if text and np.isnan(one)]
    if wrong:
        raise DataError(
            f"The column '{column.name}' is to be a number (data.types), but holds '{wrong[0]}'; "
            "correct it, leave it empty where the number is missing, or call the column a category."
        )
    return _taken(column, codes, numbers)


def _boolean(column: "pd.Series[Any]") -> "pd.Series[Any]":
    texts = _category(column)
    words = {str(value).casefold() for value in texts.dropna().unique()}
    if not words <= YES | NO | {"0", "1"} or len(words) > 2:
        odd = sorted(words - YES - NO - {"0", "1"}) or sorted(words)
        raise DataError(
            f"The column '{column.name}' is to be a truth value (data.types), but holds '{odd[0]}'"
            "; accepted: two of yes, no, true, false, y, n, t, f, 1 and 0. Correct it, or call the "
            "column a category."
        )
    return texts


def _category(column: "pd.Series[Any]") -> "pd.Series[Any]":
    texts = pd.Series(as_text(column), index=column.index, name=column.name, dtype="str")
    return texts.mask(texts.str.strip() == "")


def _parsed(texts: list[str]) -> npt.NDArray[np.float64]:
    """The numbers that texts are; NaN for any other text."""
    found = pd.to_numeric(pd.Series(texts, dtype="str"), errors="coerce")
    return found.to_numpy(dtype=np.float64, na_value=np.nan)


def _taken(
    column: "pd.Series[Any]", codes: npt.NDArray[np.intp], numbers: npt.NDArray[np.float64]
) -> "pd.Series[Any]":
    """Each row's number; whole ones without missing values are integers."""
    found = np.append(numbers, np.nan)[codes]
    if len(found) and np.isfinite(found).all() and (found == np.round(found)).all():
        return pd.Series(found.astype(np.int64), index=column.index, name=column.name)
    return pd.Series(found, index=column.index, name=column.name)
