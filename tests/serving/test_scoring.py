"""Rows scored part by part: what is converted, and what is told of them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fairkd.errors import DataError
from fairkd.serving.description import Column
from fairkd.serving.scoring import Scoring
from fairkd.serving.student import Student


@pytest.fixture(scope="module")
def dated(student_of: Callable[..., Student]) -> Student:
    """A student whose ``never`` is a date: days since 1970."""
    student = student_of()
    columns = tuple(
        Column(name, "date" if name == "never" else kind)
        for name, kind in student.description.columns
    )
    return replace(student, description=replace(student.description, columns=columns))


def test_dates_are_days_and_truth_values_have_one_spelling(
    dated: Student, training: pd.DataFrame
) -> None:
    rows = training.head(4)
    days = rows.assign(never=[0.0, 1.0, np.nan, 18262.5])
    own = dated.probabilities(days)
    written = rows.assign(
        never=["1970-01-01", "1970-01-02", None, "2020-01-01 12:00"],
        member=rows["member"].map({True: "TRUE", False: "false"}),
    )
    found = Scoring(dated).score(written)
    np.testing.assert_array_equal(found[["no", "yes"]], own)
    without = Scoring(dated).score(written.assign(never=None))
    missing = dated.probabilities(days.assign(never=np.nan))
    np.testing.assert_array_equal(without[["no", "yes"]], missing)
    whole = Scoring(dated).score(rows.assign(never=20200101))
    then = dated.probabilities(days.assign(never=18262.0))
    np.testing.assert_array_equal(whole[["no", "yes"]], then)


def test_dates_are_no_numbers(student_of: Callable[..., Student], training: pd.DataFrame) -> None:
    rows = training.assign(age=pd.Timestamp("2020-01-01"))
    with pytest.raises(
        DataError, match=r"'age' holds '2020-01-01.*', which is not a finite number"
    ):
        Scoring(student_of()).score(rows)


def test_truth_values_of_which_some_are_missing(
    student_of: Callable[..., Student], training: pd.DataFrame
) -> None:
    """In a CSV file they are words, and with missing ones a column of them is text in training."""
    some = training.assign(member=training["member"].where(np.arange(60) % 7 > 0, None))
    student = student_of(frame=some)
    scoring = Scoring(student)
    words = {True: "true", False: "FALSE"}
    found = scoring.score(some.assign(member=some["member"].map(words)))
    np.testing.assert_array_equal(found[["no", "yes"]], student.probabilities(some))
    assert not scoring.unknown["member"]


def test_parts_are_told_together(
    student_of: Callable[..., Student], training: pd.DataFrame
) -> None:
    scoring = Scoring(student_of())
    rows = training.assign(job=["pilot", "clerk", None] * 20)
    for part in (rows.head(10), rows.tail(50)):
        scoring.score(part)
    assert scoring.rows == 60
    assert scoring.unknown["job"] == {"pilot": 20}
    assert scoring.missing["job"] == 20
    assert scoring.missing["age"] == training["age"].isna().sum()
    assert not scoring.unknown["/town"]
