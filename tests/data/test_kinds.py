import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from fairkd.data.dates import as_days
from fairkd.data.kinds import seen
from fairkd.data.values import as_text
from fairkd.errors import DataError


def column(values: list[object], dtype: object = None) -> "pd.Series[object]":
    return pd.Series(values, name="x", dtype=dtype)


def test_text_around_numbers_is_read_as_numbers() -> None:
    found = seen(column([" 5", "6 ", "7", " ", None, "5"]))
    assert (found.kind, found.distinct, found.missing) == ("number", 3, 2)
    np.testing.assert_array_equal(found.column, [5, 6, 7, np.nan, np.nan, 5])
    whole = seen(column([" 5", "6 "])).column
    assert whole.dtype == np.int64


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a", "b"], "category"),
        (["yes", "No", "yes"], "boolean"),
        (["yes", "maybe"], "category"),
        (["yes", "yes"], "category"),
        ([True, False], "boolean"),
        ([True, None], "boolean"),
        ([1, 2, 1], "number"),
        ([Decimal("1.5"), None], "number"),
        ([1.5, 2], "number"),
        ([datetime.date(2020, 1, 2), None], "date"),
        (["2020-01-02", "2020-1-3"], "date"),
        (["2020-01-02 10:00", "2020-01-03"], "date"),
        (["31/01/2020", "02/03/2020"], "date"),
        (["2020-01-02", "soon"], "category"),
        (["2020-13-45"], "date"),
        ([[1, 2], [3]], "nested"),
        ([{"a": 1}, None], "nested"),
        ([None, None], "category"),
    ],
)
def test_kinds(values: list[object], kind: str) -> None:
    assert seen(column(values)).kind == kind


def test_post_codes_stay_text() -> None:
    found = seen(column(["01234", "98765"]))
    assert found.kind == "category"
    assert list(found.column) == ["01234", "98765"]
    assert "post codes" in found.note
    assert seen(column(["0", "10", "0.5"])).kind == "number"


@pytest.mark.parametrize("dtype", ["int64", object, "str"])
def test_whole_numbers_that_a_float_cannot_tell_apart_stay_apart(dtype: str) -> None:
    values = [2**53 + 1, 2**53 + 2]
    found = seen(column([str(v) for v in values] if dtype == "str" else values, dtype))
    assert found.kind == "category"
    assert list(as_text(found.column)) == ["9007199254740993", "9007199254740994"]
    assert seen(column([2**53, -(2**53)])).kind == "number"


def test_a_mixed_column_is_told_with_a_value() -> None:
    found = seen(column(["1", "2", "?", "3"]))
    assert found.kind == "category"
    assert found.note == "1 of 4 values are no numbers, such as '?': read as categories"
    assert seen(column(["1", "a", "b", "c"])).note == ""


def test_dates_become_days_since_1970() -> None:
    found = seen(column(["1970-01-02", None, "1970-01-03 12:00"]), "date")
    np.testing.assert_array_equal(found.column, [1.0, np.nan, 2.5])
    np.testing.assert_array_equal(as_days(column(["31/12/1969", "01/01/1970"])), [-1.0, 0.0])
    aware = column([pd.Timestamp("1970-01-01 12:00", tz="Etc/GMT+12")])
    np.testing.assert_array_equal(as_days(aware), [1.0])


def test_a_date_that_could_be_two_is_refused() -> None:
    with pytest.raises(DataError, match="cannot be read as dates; accepted: YYYY-MM-DD"):
        as_days(column(["01/02/2020"]))
    assert "day or the month" in seen(column(["01/02/2020"])).note


def test_a_type_that_is_asked_for_is_given() -> None:
    assert list(seen(column([1.0, 2.0, np.nan]), "category").column)[:2] == ["1", "2"]
    assert seen(column([1.0, 2.0, np.nan]), "category").missing == 1
    assert seen(column(["0", "1"]), "boolean").kind == "boolean"
    assert list(seen(column([True, False]), "number").column) == [1.0, 0.0]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("number", "'x' is to be a number .* but holds 'b'"),
        ("boolean", "'x' is to be a truth value .* but holds '3'"),
        ("date", "'x' cannot be read as dates"),
    ],
)
def test_a_type_that_cannot_be_is_refused(asked: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        seen(column(["3", "b"]), asked)
