"""Dates in a column, and as numbers of days."""

import re
from collections.abc import Iterable
from typing import Any

import pandas as pd
from pandas.api.types import is_datetime64_any_dtype

from fairkd.errors import DataError

_YEAR_FIRST = re.compile(r"\d{4}([-/])\d{1,2}\1\d{1,2}([T ]\d{1,2}:\d{2}.*)?")
_YEAR_LAST = re.compile(r"\d{1,2}[/.]\d{1,2}[/.]\d{4}")
_FORMS = ("ISO8601", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%m.%d.%Y")
_EPOCH = pd.Timestamp(0)
_DAY = pd.Timedelta(days=1)


def look_like_dates(texts: Iterable[str]) -> bool:
    """Whether texts are all written with the year first, or all with the year last."""
    known = list(texts)
    return any(all(map(form.fullmatch, known)) for form in (_YEAR_FIRST, _YEAR_LAST))


def as_dates(column: "pd.Series[Any]") -> "pd.Series[Any] | None":
    """The instants as `datetime64`, in universal time; None where one order alone does not fit."""
    if is_datetime64_any_dtype(column):
        return pd.to_datetime(column, utc=True).dt.tz_localize(None)
    codes, values = pd.factorize(column)
    texts = pd.Series([str(value).strip() or None for value in values], dtype="str")
    if texts.isna().all():
        return None
    fits: list[pd.Series[Any]] = []
    for form in _FORMS:
        found = pd.to_datetime(texts, format=form, errors="coerce", utc=True).dt.tz_localize(None)
        if (found.notna() | texts.isna()).all() and not any(map(found.equals, fits)):
            fits.append(found)
    if len(fits) != 1:
        return None
    dates = fits[0].reindex(codes)  # a missing value has code -1, which is no place
    return dates.set_axis(column.index).rename(str(column.name))


def as_days(column: "pd.Series[Any]") -> "pd.Series[float]":
    """Dates as days since 1970, with a fraction for the time of day; a missing one is NaN.

    Raises:
        DataError: a value is no date, or whether its day or its month comes first is not known.
    """
    found = as_dates(column)
    if found is None:
        raise DataError(
            f"The column '{column.name}' cannot be read as dates; accepted: YYYY-MM-DD, or day and "
            "month before the year where only one order fits. Correct it, or leave it out of "
            "data.types."
        )
    days: pd.Series[float] = (found - _EPOCH) / _DAY
    return days
