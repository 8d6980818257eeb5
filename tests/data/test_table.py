import dataclasses

import pandas as pd
import pytest

from fairkd.data.table import RawTable, check_table
from fairkd.errors import ConfigError, FairkdError

FRAME = pd.DataFrame(
    {
        "age": range(60),
        "sex": ["f", "m", "m"] * 20,
        "ward": [1, 2, 3, 4] * 15,
        "income": ["low", "high"] * 30,
        "rich": ["no", "yes"] * 30,
    }
)
TABLE = RawTable(
    name="survey",
    frame=FRAME,
    label="income",
    classes=("low", "high"),
    features=("age", "sex", "ward"),
    origin="The folder survey",
    fingerprint="0" * 64,
)


def with_frame(frame: pd.DataFrame) -> RawTable:
    return dataclasses.replace(TABLE, frame=frame)


def test_a_good_table_passes() -> None:
    check_table(TABLE, ["sex", "ward", "sex+ward"])


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (with_frame(FRAME.iloc[:0]), "The folder survey has no rows"),
        (with_frame(FRAME.drop(columns="income")), "no column 'income'.*it has: age, sex"),
        (with_frame(FRAME.drop(columns="age")), "no column 'age'"),
        (with_frame(FRAME[FRAME.income == "low"]), "only the class 'low'"),
        (with_frame(FRAME.assign(income=["low", "mid"] * 30)), "'mid'.*accepted: low, high"),
        (
            with_frame(FRAME.assign(income=["low", None, "high"] * 20)),
            "20 rows without a value in the label column 'income'",
        ),
    ],
)
def test_tables_that_cannot_be_learned_from(table: RawTable, sentence: str) -> None:
    with pytest.raises(FairkdError, match=sentence):
        check_table(table, ["sex"])


@pytest.mark.parametrize(
    ("block", "sentence"),
    [
        ("sax", r"Unknown column in data\.groups 'sax'; did you mean 'sex'"),
        ("sex+income", r"'income' in data\.groups is the label itself"),
        ("rich", "'rich' in data.groups determines the label 'income' one to one"),
        ("sex+age", "'age' in data.groups is a number with 60 distinct values.*bin it"),
    ],
)
def test_groups_that_cannot_be_compared(block: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        check_table(TABLE, [block])


def test_a_group_may_determine_the_label_if_the_label_does_not_determine_the_group() -> None:
    frame = FRAME.assign(sex=["f", "x", "m", "x"] * 15)  # f and m are low, x is high
    check_table(with_frame(frame), ["sex"])
