import numpy as np
import pandas as pd
import pytest

from fairkd.data.values import as_categories, as_numbers, as_text, is_number, require_columns
from fairkd.errors import DataError


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.Series(["b", "a", "b"]), ["b", "a", "b"]),
        (pd.Series(["b", None]), ["b", None]),
        (pd.Series([1, 2]), ["1", "2"]),
        (pd.Series([1, None]), ["1", None]),
        (pd.Series([1.5, np.nan]), ["1.5", None]),
        (pd.Series([1, None], dtype="Int64"), ["1", None]),
        (pd.Series([True, False]), ["True", "False"]),
        (pd.Series(["x", "y"], dtype="category"), ["x", "y"]),
        (pd.Series([1, "a", None], dtype=object), ["1", "a", None]),
        (pd.Series([], dtype=object), []),
    ],
)
def test_text_does_not_depend_on_the_column_type(
    column: pd.Series, expected: list[str | None]
) -> None:
    assert list(as_text(column)) == expected


def test_a_missing_category_is_a_category() -> None:
    assert list(as_categories(pd.Series(["a", None]))) == ["a", "(missing)"]


def test_numbers_written_as_text_are_numbers() -> None:
    column = pd.Series(["1", None, "2.5"])
    np.testing.assert_array_equal(as_numbers(column), [1.0, np.nan, 2.5])


@pytest.mark.parametrize("value", ["old", np.inf, "inf"])
def test_a_number_that_is_none_is_refused_by_name(value: object) -> None:
    with pytest.raises(DataError, match=f"'age' holds '{value}'"):
        as_numbers(pd.Series([1, value, None], name="age", dtype=object))


def test_truth_values_are_no_numbers() -> None:
    assert is_number(pd.Series([1, 2]))
    assert not is_number(pd.Series([True, False]))
    assert not is_number(pd.Series(["1", "2"]))


def test_absent_columns_are_named() -> None:
    with pytest.raises(DataError, match="no column b, c; needed: a, b, c"):
        require_columns(pd.DataFrame({"a": [1]}), ["a", "b", "c"])
