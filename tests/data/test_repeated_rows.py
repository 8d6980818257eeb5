"""Rows that are in a table twice."""

import numpy as np
import pandas as pd

from fairkd.data.repeated_rows import told_repeats


def test_repeats_are_counted_missing_values_included() -> None:
    frame = pd.DataFrame({"a": ["x", None, None, "y", "y"], "b": [1, np.nan, np.nan, 2, 3]})
    assert told_repeats(frame)[0].startswith("1 row equals an earlier one in every column;")


def test_the_same_values_in_other_columns_are_no_repeat() -> None:
    assert told_repeats(pd.DataFrame({"a": [1, 2, 3], "b": [2, 1, 3]})) == []


def test_a_coarse_table_repeats_itself_by_nature() -> None:
    assert told_repeats(pd.DataFrame({"a": [0, 1] * 20})) == []


def test_rows_of_lists_alone_are_not_compared() -> None:
    assert told_repeats(pd.DataFrame({"a": [[1], [1], [2]]})) == []
