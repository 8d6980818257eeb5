import numpy as np
import pandas as pd
import pytest

from fairkd.data.classes import classes_of, one_label
from fairkd.errors import ConfigError, DataError


def label(values: object) -> "pd.Series[object]":
    return pd.Series(values, name="y")


@pytest.mark.parametrize(
    ("values", "names", "how"),
    [
        (["yes", "yes", "no"], ("no", "yes"), "says yes"),
        (["TRUE", "TRUE", "FALSE"], ("FALSE", "TRUE"), "says yes"),
        ([True, True, False], ("False", "True"), "says yes"),
        ([1, 1, 0], ("0", "1"), "says yes"),
        ([1.0, 1.0, 0.0, np.nan], ("0", "1"), "says yes"),
        ([1, 1, -1], ("-1", "1"), "says yes"),
        ([">50K", ">50K", "<=50K"], ("<=50K", ">50K"), "above the other"),
        (["hired", "hired", "not hired"], ("not hired", "hired"), "negates"),
        (["good", "good", "bad"], ("good", "bad"), "the rarer one, 33.3% of the rows"),
        ([1, 1, 2], ("1", "2"), "the rarer one"),
        (["a", "b"], ("a", "b"), "equally common"),
        (["lo", "hi", "mid"], ("hi", "lo", "mid"), "3 classes"),
        ([10, 9, 2], ("2", "9", "10"), "3 classes"),
        (["Married, present", "Married, absent"] * 2, None, "equally common"),
    ],
)
def test_classes(values: list[object], names: tuple[str, ...] | None, how: str) -> None:
    found = classes_of(label(values))
    assert how in found.how
    if names is not None:
        assert found.names == names


@pytest.mark.parametrize("positive", ["no", "NO", " no"])
def test_the_positive_class_is_named(positive: str) -> None:
    found = classes_of(label(["yes", "no", "no"]), positive)
    assert found.names == ("yes", "no")
    assert found.how == "as data.positive says"
    assert classes_of(label([True, False]), False).names == ("True", "False")
    assert classes_of(label([1, 0]), 0).names == ("1", "0")


def test_two_spellings_are_told_apart_by_the_exact_one() -> None:
    assert classes_of(label(["No", "no"]), "No").names == ("no", "No")
    with pytest.raises(ConfigError, match=r"Unknown class in data\.positive 'NO'"):
        classes_of(label(["No", "no"]), "NO")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            np.linspace(0, 1, 40),
            "holds 40 different numbers, from 0 to 1: a quantity .a regression",
        ),
        (range(30), "holds 30 different numbers, from 0 to 29: a quantity"),
        ([str(i / 7) for i in range(30)], "a quantity"),
        ([0.1, 0.2, 0.3], "a quantity"),
        ([["a"], ["a", "b"]], "holds lists: several labels a row .a multi-label target"),
        (["a;b", "b", "a"], "holds 'a;b', which reads as several labels with ';'"),
        (["a|b", "b|c"], "several labels with '.' between them"),
        (["red, blue", "blue", "red"], "several labels with ',' between them"),
        (["a", "a", None], "has only the class 'a'; at least two"),
        ([None, None], "has no value; at least two"),
        ([f"name {i}" for i in range(50)], "holds 50 different values in 50 rows, which are no"),
    ],
)
def test_what_is_no_label_is_refused(values: object, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        classes_of(label(values))


def test_stars_from_1_to_10_are_classes() -> None:
    assert len(classes_of(label([1, 2, 3, 4, 5, 6, 7, 8, 9, 10] * 3)).names) == 10
    assert len(classes_of(label([1, 1.5, 2, 2.5] * 3)).names) == 4


def test_a_positive_class_beside_three_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"data\.positive=a .*3 \(a, b, c\); leave"):
        classes_of(label(["a", "b", "c"]), "a")


def test_one_column_is_the_label() -> None:
    assert one_label("hired") == "hired"
    with pytest.raises(ConfigError, match=r"data\.label=\[a,b\] names several columns: several"):
        one_label(["a", "b"])
    with pytest.raises(ConfigError, match=r"data\.label=null is not the name of a column"):
        one_label(None)
