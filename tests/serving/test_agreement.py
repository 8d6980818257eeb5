"""An export that says something else is not taken for one that agrees."""

from collections.abc import Callable

import numpy as np
import pytest

from fairkd.errors import DataError
from fairkd.serving.agreement import Scored, agreement
from fairkd.serving.probe_rows import UNKNOWN, probe_rows
from fairkd.serving.student import Rows, Student


@pytest.fixture(scope="module")
def student(student_of: Callable[..., Student]) -> Student:
    return student_of()


def said(student: Student, rows: Rows, more: float = 0.0) -> np.ndarray:
    return student.probabilities(rows).to_numpy() + more


def test_the_largest_difference_is_told(student: Student) -> None:
    found = agreement(student, lambda rows: Scored(said(student, rows, 3e-6)), probe_rows(student))
    assert (found.rows, found.largest) == (256, pytest.approx(3e-6))


@pytest.mark.parametrize("more", [2e-5, float("nan")])
def test_another_probability(student: Student, more: float) -> None:
    with pytest.raises(DataError, match=r"differ from the student's by up to .*accepted: 1e-05"):
        agreement(student, lambda rows: Scored(said(student, rows, more)), probe_rows(student))


def test_what_depends_on_the_number_of_rows(student: Student) -> None:
    def first_batch(rows: Rows) -> Scored:
        return Scored(said(student, rows, 0.0 if len(rows) > 1 else 0.1))

    with pytest.raises(DataError, match=r"by up to 1\.0e-01"):
        agreement(student, first_batch, probe_rows(student))


def test_another_decision_counts_unless_it_is_a_tie(student_of: Callable[..., Student]) -> None:
    def other(student: Student) -> Callable[[Rows], Scored]:
        def score(rows: Rows) -> Scored:
            turned = {"no": "yes", "yes": "no"}
            decided = [turned[one] for one in student.decisions(rows)]
            return Scored(said(student, rows), np.array(decided, dtype=object))

        return score

    clear = student_of()
    with pytest.raises(DataError, match="differ from the student's by up to inf"):
        agreement(clear, other(clear), probe_rows(clear))
    rows = probe_rows(clear).head(2).iloc[[0, 0]]
    tie = student_of(threshold=float(said(clear, rows)[0, 1]) + 1e-9)
    assert agreement(tie, other(tie), rows).largest == 0


def test_rows_try_what_the_preparation_knows(student: Student) -> None:
    rows = probe_rows(student)
    assert rows.columns.tolist() == list(student.preparation.columns)
    assert set(rows["job"].dropna()) == {"clerk", "nurse", "", "(missing)", UNKNOWN}
    assert rows[["age", "year", "job", "member"]].isna().sum().min() > 5
    typed = probe_rows(student, typed=True)
    assert (typed["year"].dtype, typed["member"].dtype) == (np.int64, np.bool_)
    assert rows.equals(probe_rows(student))
