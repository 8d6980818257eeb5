import numpy as np
import pandas as pd
import pytest

from fairkd.data.inspection import Inspection, inspect
from fairkd.errors import ConfigError, DataError

ROWS = 200


def table(**columns: object) -> pd.DataFrame:
    random = np.random.default_rng(0)
    hired = random.integers(0, 2, ROWS)
    return pd.DataFrame(
        {
            "hired": np.where(hired == 1, "yes", "no"),
            "gender": random.choice(["f", "m"], ROWS),
            "years": random.integers(0, 30, ROWS),
            **columns,
        }
    )


def inspected(frame: pd.DataFrame, **options: object) -> Inspection:
    given: dict[str, object] = {"label": "hired", "sensitive": ["gender"], "types": {}, "keep": []}
    return inspect(frame, **(given | options))  # type: ignore[arg-type]


def reason(name: str, values: object, **options: object) -> str:
    found = inspected(table(**{name: values}), **options)
    return next(column.reason for column in found.columns if column.name == name)


def test_features_are_all_but_the_label_in_the_tables_order() -> None:
    found = inspected(table())
    assert found.features == ("gender", "years")
    assert [column.role for column in found.columns] == ["label", "group", "feature"]
    assert found.told() == ["3 columns: 1 boolean, 1 category, 1 number"]


NAMES = [f"person {i}" for i in range(ROWS)]
SHUFFLED = np.random.default_rng(3).permutation(ROWS) + 1_000


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("unit", "euro", "the same value in every row"),
        ("empty", np.nan, "no value in any row"),
        ("person", NAMES, "an identifier: 200 different values in 200 rows"),
        ("line", range(ROWS), "an identifier: it numbers the rows"),
        ("shuffled", SHUFFLED, "an identifier: it numbers the rows"),
        ("customerId", SHUFFLED * 3, "an identifier by its name: 200 different values in 200 rows"),
        ("id_card", SHUFFLED * 3.0, "an identifier by its name: 200 different values in 200 rows"),
        ("note", [*NAMES[:100], *NAMES[:100]], "free text: 100 different values in 200 rows"),
        ("when", ["2020-01-02", "2020-01-03"] * 100, "a date; data.types={when: date} makes it"),
        ("tags", [["a"]] * ROWS, "lists or other nested values"),
    ],
)
def test_what_is_no_feature_is_left_out_with_its_reason(
    name: str, values: object, told: str
) -> None:
    assert reason(name, values).startswith(told)
    kept = inspected(table(**{name: values}), keep=[name])
    assert (name in kept.features) is (name != "tags")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("some", [np.nan, 1.0] * 100),
        ("score", SHUFFLED * 3),
        ("paid", SHUFFLED * 3),
        ("id", SHUFFLED / 7),
        ("town", NAMES[:50] * 4),
        ("rank", [1, 2] * 100),
    ],
)
def test_what_only_looks_like_it_stays(name: str, values: object) -> None:
    assert reason(name, values) == ""


def test_ten_rows_are_too_few_to_call_a_column_an_identifier() -> None:
    frame = table(name=NAMES)[:10]
    assert "name" in inspected(frame).features


def test_a_kept_date_is_a_number() -> None:
    frame = table(when=["1970-01-02", "1970-01-03"] * 100)
    for options in ({"keep": ["when"]}, {"types": {"when": "date"}}):
        found = inspected(frame, **options)
        assert "when" in found.features
        assert list(found.frame["when"][:2]) == [1.0, 2.0]


def test_a_column_with_another_role_is_no_feature() -> None:
    found = inspected(table(w=" 1.5"), roles={"w": "row weights"})
    assert "w" not in found.features
    assert found.columns[-1].role == "row weights"
    assert list(found.frame["w"][:2]) == [1.5, 1.5]


def test_a_type_is_what_is_asked_for() -> None:
    found = inspected(table(), types={"years": "category"})
    assert pd.api.types.is_string_dtype(found.frame["years"])


def test_the_label_in_other_words_is_refused_by_name() -> None:
    frame = table()
    copy = frame["hired"].map({"yes": 1, "no": np.nan})
    with pytest.raises(DataError, match=r"'copy' is the label 'hired'.*data\.drop=\[copy\]"):
        inspected(frame.assign(copy=copy))
    with pytest.raises(DataError, match=r"'a', 'b' are the label"):
        inspected(frame.assign(a=copy.isna(), b=copy.fillna(7)))


def test_what_nearly_is_the_label_is_warned_about_with_the_figure() -> None:
    frame = table()
    frame["end"] = (frame["hired"] == "yes") * 10 + np.random.default_rng(2).random(ROWS)
    found = inspected(frame)
    (leak,) = found.leaks
    assert (leak.column, leak.accuracy) == ("end", 1.0)
    assert "warning: 'end' alone tells the label of 100.0% of the rows" in found.told()[1]


def test_infinite_numbers_are_refused_where_a_model_would_see_them() -> None:
    pay = np.ones(ROWS)
    pay[[4, 7]] = np.inf
    with pytest.raises(DataError, match="'pay' holds 2 infinite numbers, the first in row 5"):
        inspected(table(pay=pay))
    assert inspected(table(pay=pay), roles={"pay": "time"}).features == ("gender", "years")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"label": "hird"}, "Unknown column in data.label 'hird'; did you mean 'hired'"),
        ({"types": {"year": "number"}}, "Unknown column in data.types 'year'"),
        ({"types": {"years": "int"}}, "data.types.years=int is not known; accepted: number"),
        ({"keep": ["hired"]}, "Unknown column in data.keep 'hired'"),
        ({"sensitive": ["sex"]}, "Unknown column in data.groups 'sex'"),
    ],
)
def test_wrong_names_are_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        inspected(table(), **options)


def test_a_group_of_lists_is_refused_and_one_of_many_values_is_told() -> None:
    with pytest.raises(DataError, match=r"'tags' in data\.groups holds lists"):
        inspected(table(tags=[["a"]] * ROWS), sensitive=["tags"])
    found = inspected(table(name=NAMES), sensitive=["name"])
    assert "name: 200 groups; small ones are merged with data.rare_groups" in found.told()


def test_many_lines_are_cut() -> None:
    found = inspected(table(**{f"c{i}": "x" for i in range(30)}))
    assert found.told()[-1] == "and 18 more columns are left out"
    assert len(found.told()) == 14
