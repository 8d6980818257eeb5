"""Rows divided at random, by a column, by time and by entity."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from fairkd.data.splits import split_rows
from fairkd.data.splitting import Splitting
from fairkd.errors import ConfigError, DataError

CLASSES = ("no", "yes")
N = 400


def split(
    by: str, column: "pd.Series[Any] | None" = None, labels: np.ndarray | None = None, **more: Any
) -> dict[str, np.ndarray]:
    given = {"by": by, "parts": more.pop("parts", None)}
    if column is not None:
        given["column"] = str(column.name)
    wanted = {"seed": 0, "validation_fraction": 0.25, "test_fraction": 0.2, **more}
    drawn = np.random.default_rng(5).integers(0, 2, N) if labels is None else labels
    return split_rows(drawn, CLASSES, splitting=Splitting.of(given), column=column, **wanted)


def sizes(parts: dict[str, np.ndarray]) -> dict[str, int]:
    return {name: len(rows) for name, rows in parts.items()}


def whole(parts: dict[str, np.ndarray]) -> bool:
    return sorted(np.concatenate(list(parts.values()))) == list(range(N)) and all(
        (np.diff(rows) > 0).all() for rows in parts.values()
    )


def test_at_random_labels_do_not_matter_and_the_seed_does() -> None:
    first = split("random", labels=np.arange(N) % 2)
    second = split("random", labels=np.arange(N) // (N // 2))
    assert whole(first)
    assert sizes(first) == {"train": 240, "validation": 80, "test": 80}
    for name, rows in first.items():
        np.testing.assert_array_equal(rows, second[name])
        assert not np.array_equal(rows, split("random", seed=1)[name])


def test_test_is_the_latest_then_certify_then_validation() -> None:
    moments = np.random.default_rng(1).permutation(N)
    parts = split("time", pd.Series(moments, name="when"), certify_fraction=0.25)
    assert whole(parts)
    assert {name: sorted(moments[rows])[:: len(rows) - 1] for name, rows in parts.items()} == {
        "train": [0, 159], "validation": [160, 239], "test": [320, 399], "certify": [240, 319],
    }  # fmt: skip


def test_rows_of_one_time_stay_together_and_the_nearest_cut_is_taken() -> None:
    # The cut for test would be at 320, between 310 and 350 with equal times, validation's at 233.
    times = np.zeros(N)
    times[100:230], times[230:310], times[310:350], times[350:] = 1, 2, 3, 4
    parts = split("time", pd.Series(times, name="when"))
    assert {name: sorted(set(times[rows])) for name, rows in parts.items()} == {
        "train": [0, 1],
        "validation": [2],
        "test": [3, 4],
    }


@pytest.mark.parametrize("form", ["text", "date", "moment", "zone"])
def test_dates_are_ordered_whatever_their_form(form: str) -> None:
    order = np.random.default_rng(2).permutation(N)
    moments = pd.Series(pd.Timestamp("2019-12-30") + pd.to_timedelta(order, unit="D"), name="day")
    forms = {
        "text": moments.dt.strftime("%Y-%m-%d"),
        "date": moments.dt.date.rename("day"),
        "moment": moments,
        "zone": moments.dt.tz_localize("Europe/Athens"),
    }
    parts = split("time", forms[form])
    assert order[parts["test"]].min() == 320
    assert order[parts["train"]].max() == 239


def test_numbers_as_text_are_ordered_as_numbers() -> None:
    order = np.random.default_rng(2).permutation(N)
    parts = split("time", pd.Series(order.astype(str).astype(object), name="frame"))
    assert order[parts["test"]].min() == 320
    assert order[parts["train"]].max() == 239


def test_an_entity_is_one_however_its_number_is_written() -> None:
    people = np.arange(N) // 2
    written = pd.Series([str(p) if i % 2 else int(p) for i, p in enumerate(people)], name="who")
    of = [set(people[rows]) for rows in split("entity", written.astype(object)).values()]
    assert sum(map(len, of)) == N // 2


def test_no_entity_is_on_both_sides_and_classes_are_shared_out() -> None:
    random = np.random.default_rng(3)
    people = random.integers(0, 120, N)
    sick = random.random(120) < 0.2
    labels = (sick[people] & (random.random(N) < 0.7)).astype(int)
    named = pd.Series([f"p{person}" for person in people], name="person")
    parts = split("entity", named, labels, certify_fraction=0.2)
    assert whole(parts)
    of = {name: set(people[rows]) for name, rows in parts.items()}
    assert sum(map(len, of.values())) == len(set(people))
    ever = {person for person in set(people) if labels[people == person].any()}
    # A fifth of the entities with a positive row, and of the others, up to one of each.
    assert abs(len(of["test"] & ever) - 0.2 * len(ever)) <= 1
    assert abs(len(of["test"] - ever) - 0.2 * (len(set(people)) - len(ever))) <= 1


def test_a_column_names_the_parts() -> None:
    names = np.array(["train", "validation", "test", "certify"])[np.arange(N) % 4]
    parts = split("column", pd.Series(names, name="part"), certify_fraction=0.5)
    assert whole(parts)
    for name, rows in parts.items():
        assert set(names[rows]) == {name}


def test_parts_that_a_column_does_not_name_come_from_the_training_rows() -> None:
    folds = np.arange(N) % 5
    column = pd.Series(folds.astype(float), name="fold")
    parts = {"train": [0, 1, 2], "test": 3, "certify": 4}
    found = split("column", column, parts=parts, validation_fraction=0.25)
    assert whole(found)
    assert sizes(found) == {"train": 180, "validation": 60, "test": 80, "certify": 80}
    assert set(folds[found["validation"]]) <= {0, 1, 2}
    assert set(folds[found["test"]]) == {3}


HALVES = np.arange(N) // (N // 2)


@pytest.mark.parametrize(
    ("column", "labels", "sentence"),
    [
        (
            pd.Series(["train", "test", "dev", "test"] * 100, name="part"),
            None,
            "The column 'part' named in data.split.column holds 'dev' in 100 of 400 rows; "
            "accepted: train, validation, test, certify: name its values in data.split.parts",
        ),
        (
            pd.Series(["train", "test", None, "test"] * 100, name="part"),
            None,
            "holds an empty cell in 100 of 400 rows;",
        ),
        (
            pd.Series(["train", "validation"] * 200, name="part"),
            None,
            "The column 'part' named in data.split.column marks no row as test (test); it holds: "
            "train, validation: name its values in data.split.parts.",
        ),
        (
            pd.Series(["train", "train", "validation", "test"], name="part").repeat(100),
            np.repeat([0, 1, 0, 1], 100),
            "The class 'yes' has no row in the split 'validation' when rows are divided by column",
        ),
    ],
)
def test_a_column_that_cannot_name_the_parts(
    column: "pd.Series[Any]", labels: np.ndarray | None, sentence: str
) -> None:
    with pytest.raises(DataError) as refused:
        split("column", column.reset_index(drop=True), labels)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("column", "labels", "sentence"),
    [
        (
            pd.Series(range(N), name="when"),
            HALVES,
            "The class 'no' has no row in the split 'test' when rows are divided by time, and "
            "every class must appear in every split; use more rows,",
        ),
        (
            pd.Series(7, index=range(N), name="when"),
            None,
            "The 400 rows to be split have one and the same value in the column 'when'",
        ),
        (
            pd.Series([1.0, np.nan] * 200, name="when"),
            None,
            "The column 'when' named in data.split.column is empty in 200 of 400 rows; fill it in",
        ),
        (
            pd.Series(["2020-01-31", "31/12/2020"] * 200, name="when"),
            None,
            "The column 'when' named in data.split.column holds '31/12/2020', which is neither a "
            "number nor a date as in 2024-01-31 or 2024-01-31T12:00; write it so,",
        ),
    ],
)
def test_a_column_that_is_no_time(
    column: "pd.Series[Any]", labels: np.ndarray | None, sentence: str
) -> None:
    with pytest.raises(DataError) as refused:
        split("time", column, labels)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (
            pd.Series(HALVES, name="who"),
            "The column 'who' has 1 distinct values in the 200 rows to be split, too few entities "
            "for every class to appear in every split;",
        ),
        (
            pd.Series(["a", None] * 200, name="who"),
            "The column 'who' named in data.split.column is empty in 200 of 400 rows",
        ),
    ],
)
def test_a_column_of_no_entities(column: "pd.Series[Any]", sentence: str) -> None:
    with pytest.raises(DataError) as refused:
        split("entity", column)
    assert sentence in str(refused.value)


def test_an_official_test_part_is_not_divided_by_a_column() -> None:
    official = np.arange(N) < 100
    with pytest.raises(ConfigError, match=r"data\.split\.by=time cannot be used beside the offi"):
        split("time", pd.Series(range(N), name="when"), test_fraction=None, official_test=official)
    parts = split("random", test_fraction=None, official_test=official)
    np.testing.assert_array_equal(parts["test"], np.arange(100))


def test_too_few_rows_to_divide_at_random() -> None:
    with pytest.raises(DataError, match=r"^The rows to be split \(1\) are too few to take"):
        split("random", labels=np.array([0]))
