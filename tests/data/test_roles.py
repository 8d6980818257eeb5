"""Columns of another purpose than features: row weights, soft labels, and what divides rows."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from fairkd.data.assembly import assemble
from fairkd.data.dataset import Dataset
from fairkd.data.table import RawTable
from fairkd.errors import ConfigError, DataError

N = 200
CLASSES = ("low", "high")


def frame() -> pd.DataFrame:
    random = np.random.default_rng(0)
    high = random.random(N).round(3)
    return pd.DataFrame(
        {
            "row": np.arange(N),
            "age": random.normal(40, 10, N),
            "sex": random.choice(["f", "m"], N),
            "times": random.integers(1, 5, N),
            "p_low": 1 - high,
            "p_high": high,
            "person": np.arange(N) // 2,
            "income": random.choice(CLASSES, N, p=[0.7, 0.3]),
        }
    )


def build(table: pd.DataFrame | None = None, **more: Any) -> Dataset:
    of_table = {name: more.pop(name) for name in ("weights", "soft", "label") if name in more}
    rows = frame() if table is None else table
    raw = RawTable(
        name="survey",
        frame=rows,
        label=of_table.pop("label", "income"),
        classes=more.pop("classes", CLASSES),
        features=tuple(name for name in rows.columns if name not in ("row", "income")),
        origin="The survey",
        fingerprint="f" * 64,
        **of_table,
    )
    return assemble(
        raw,
        groups=["sex"],
        seed=0,
        validation_fraction=0.25,
        test_fraction=0.2,
        use_groups_as_features=False,
        rare_groups=None,
        **more,
    )


def features(data: Dataset) -> tuple[str, ...]:
    assert data.preparation is not None
    return data.preparation.columns


def test_rows_are_the_places_in_the_source() -> None:
    data = build()
    for name, rows in data.rows.items():
        np.testing.assert_array_equal(rows, data.raw[name]["row"])
    assert sorted(np.concatenate(list(data.rows.values()))) == list(range(N))


def test_weights_count_where_something_is_trained_or_chosen() -> None:
    plain, data = build(), build(weights="times")
    assert set(features(plain)) - set(features(data)) == {"times"}
    for name, batch in data.splits.items():
        times = frame()["times"][data.rows[name]]
        expected = times / times.mean() if name in ("train", "validation") else times * 0 + 1.0
        np.testing.assert_allclose(batch.weight, expected, rtol=1e-6)
        assert batch.weight.dtype == torch.float32
        np.testing.assert_array_equal(data.rows[name], plain.rows[name])


@pytest.mark.parametrize(
    ("value", "holds"),
    [(0, "'0'"), (-2, "'-2'"), (None, "an empty cell"), ("many", "'many'"), (np.inf, "'inf'")],
)
def test_a_weight_that_is_none(value: object, holds: str) -> None:
    table = frame().astype({"times": object})
    table.loc[:, "times"] = value
    with pytest.raises(DataError) as refused:
        build(table, weights="times")
    assert str(refused.value).startswith(
        f"The column 'times' named in data.weights holds {holds}; accepted: positive numbers"
    )


@pytest.mark.parametrize("columns", [("p_low", "p_high"), ("p_high",)])
def test_training_rows_learn_probabilities_and_the_others_have_the_likeliest_class(
    columns: tuple[str, ...],
) -> None:
    table = frame().drop(columns="income")
    data = build(table, soft=columns)
    high = table["p_high"].to_numpy()
    train = data.splits["train"].y
    assert train.dtype == torch.float32
    expected = np.stack([1 - high, high], axis=1)[data.rows["train"]]
    np.testing.assert_allclose(train, expected, atol=1e-7)
    assert set(features(data)).isdisjoint(columns)
    for name in ("validation", "test"):
        assert data.splits[name].y.tolist() == (high[data.rows[name]] > 0.5).astype(int).tolist()
    shares = [float((high[rows] > 0.5).mean()) for rows in data.rows.values()]
    assert max(shares) - min(shares) < 0.02


def test_a_label_beside_probabilities_is_what_is_selected_and_tested_by() -> None:
    plain, data = build(), build(soft=("p_high",))
    assert data.splits["train"].y.shape == (120, 2)
    for name in ("validation", "test"):
        assert data.splits[name].y.tolist() == plain.splits[name].y.tolist()


@pytest.mark.parametrize(
    ("columns", "advice"),
    [
        (("p_high", "p_low"), "name the columns in the order low, high."),
        (("p_low",), "the one column is about 'high', the positive class: see data.positive."),
    ],
)
def test_probabilities_against_the_labels(columns: tuple[str, ...], advice: str) -> None:
    table = frame()
    table["income"] = np.where(table["p_high"] > 0.4, "high", "low")
    build(table, soft=("p_low", "p_high"))
    agree = ((table["p_low"] > 0.5) == (table["p_high"] > 0.4)).mean()
    with pytest.raises(DataError) as refused:
        build(table, soft=columns)
    assert str(refused.value) == (
        f"data.soft_labels=[{','.join(columns)}] speaks against the label column: the likeliest "
        f"class is the label's in {agree:.1%} of the rows; {advice}"
    )


def test_sums_near_one_are_made_one() -> None:
    table = frame()
    table["p_low"] += 0.0009
    y = build(table, soft=("p_low", "p_high")).splits["train"].y
    np.testing.assert_allclose(y.sum(1), 1, atol=1e-6)


def test_probabilities_that_are_none() -> None:
    table = frame()
    table.loc[3, "p_high"] += 0.002
    total = table["p_low"][3] + table["p_high"][3]
    with pytest.raises(DataError) as refused:
        build(table, soft=("p_low", "p_high"))
    assert str(refused.value) == (
        f"The columns of data.soft_labels (p_low, p_high) sum to {total:g} in row 4; accepted: "
        "probabilities that sum to 1 within 0.001."
    )
    table.loc[1, "p_high"] = 1.5
    with pytest.raises(DataError, match=r"holds '1\.5' in row 2; accepted: probabilities from 0"):
        build(table, soft=("p_high",))
    table.loc[0, "p_high"] = np.nan
    with pytest.raises(DataError, match=r"data\.soft_labels holds an empty cell in row 1"):
        build(table, soft=("p_high",))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"weights": "tims"}, "Unknown column in data.weights 'tims'; did you mean 'times'?"),
        ({"weights": "income"}, "data.weights=income is the label itself; name another column."),
        ({"soft": ("p",)}, "Unknown column in data.soft_labels 'p'."),
        (
            {"soft": ("p_low",), "classes": ("low", "mid", "high")},
            "data.soft_labels names 1 columns for 3 classes (low, mid, high); name one a class, in "
            "this order.",
        ),
        (
            {"soft": ("p_low", "p_high", "age")},
            "data.soft_labels names 3 columns for 2 classes (low, high); name one a class, in this "
            "order, or one for the positive class.",
        ),
        (
            {"soft": ("p_high",), "imperfect": {"flipped_labels": 0.1}},
            "data.imperfect.flipped_labels=0.1 is about labels that are classes, and "
            "data.soft_labels gives probabilities; set data.imperfect.flipped_labels=0, or",
        ),
        (
            {"split": {"by": "entity", "column": "persn"}},
            "Unknown column in data.split.column 'persn'; did you mean 'person'?",
        ),
        (
            {"split": {"by": "column", "column": "income"}},
            "data.split.column=income is the label itself; name another column.",
        ),
    ],
)
def test_columns_that_cannot_serve(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        build(**given)
    assert sentence in str(refused.value)


def test_what_divides_rows_is_no_feature() -> None:
    data = build(split={"by": "entity", "column": "person"})
    assert set(features(build())) - set(features(data)) == {"person"}
    people = [set(table["person"]) for table in data.raw.values()]
    assert sum(map(len, people)) == N // 2
