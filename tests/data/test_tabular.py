import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from fairkd.data.tabular import TabularPreparation
from fairkd.errors import ConfigError, DataError

TRAIN = pd.DataFrame(
    {
        "age": [20.0, 30.0, np.nan, 50.0],
        "hours": [40, 40, 10, 20],
        "constant": [7, 7, 7, 7],
        "work": ["private", None, "state", "private"],
        "sex": ["f", "m", "f", "m"],
        "income": ["low", "high", "low", "high"],
    }
)
FEATURES = ("age", "hours", "constant", "work", "sex")


def fit(frame: pd.DataFrame = TRAIN, *, use_groups_as_features: bool = False) -> TabularPreparation:
    return TabularPreparation.fit(
        frame,
        label="income",
        classes=("low", "high"),
        features=FEATURES,
        groups=["sex"],
        use_groups_as_features=use_groups_as_features,
    )


def standardised(values: list[float]) -> np.ndarray:
    array = np.array(values)
    return (array - array.mean()) / array.std()


def test_known_values() -> None:
    preparation = fit()
    assert preparation.feature_names == (
        "age",
        "hours",
        "constant",
        "age missing",
        "work=(missing)",
        "work=private",
        "work=state",
    )
    features = preparation.transform(TRAIN)
    assert features.dtype == np.float32
    expected = np.column_stack(
        [
            standardised([20, 30, 30, 50]),  # the median of 20, 30, 50 is 30
            standardised([40, 40, 10, 20]),
            [0, 0, 0, 0],
            [0, 0, 1, 0],
            [0, 1, 0, 0],
            [1, 0, 0, 1],
            [0, 0, 1, 0],
        ]
    )
    np.testing.assert_array_equal(features, expected.astype(np.float32))
    np.testing.assert_array_equal(preparation.encode_labels(TRAIN), [0, 1, 0, 1])
    np.testing.assert_array_equal(
        preparation.encode_groups(TRAIN), [[1, 0], [0, 1], [1, 0], [0, 1]]
    )
    assert preparation.blocks.cells() == {"sex": ["f", "m"]}


def test_groups_are_features_only_when_asked() -> None:
    assert "sex=f" not in fit().feature_names
    assert fit(use_groups_as_features=True).feature_names[-2:] == ("sex=f", "sex=m")


def test_rows_do_not_influence_one_another() -> None:
    preparation = fit()
    together = preparation.transform(TRAIN)
    alone = np.concatenate([preparation.transform(TRAIN.iloc[[i]]) for i in range(len(TRAIN))])
    np.testing.assert_array_equal(alone, together)
    np.testing.assert_array_equal(preparation.transform(TRAIN.iloc[::-1]), together[::-1])


def test_no_rows() -> None:
    assert fit().transform(TRAIN.iloc[:0]).shape == (0, 7)


def test_column_order_extra_columns_and_types_do_not_matter() -> None:
    preparation = fit()
    as_read_from_text = TRAIN.astype(object).assign(hours=["40", "40", "10", "20"], extra="x")
    np.testing.assert_array_equal(
        preparation.transform(as_read_from_text[as_read_from_text.columns[::-1]]),
        preparation.transform(TRAIN),
    )


def test_a_category_never_seen_is_all_zeros() -> None:
    row = TRAIN.iloc[[0]].assign(work="farm")
    np.testing.assert_array_equal(fit().transform(row)[0, -3:], [0, 0, 0])


def test_a_number_missing_only_at_scoring_gets_the_median() -> None:
    row = TRAIN.iloc[[0]].assign(hours=np.nan)
    expected = TRAIN.iloc[[0]].assign(hours=30)
    np.testing.assert_array_equal(fit().transform(row), fit().transform(expected))


def test_columns_missing_throughout_are_tolerated() -> None:
    frame = TRAIN.assign(age=np.nan, work=None)
    preparation = fit(frame)
    assert preparation.transform(frame).shape == (4, len(preparation.feature_names))
    assert np.isfinite(preparation.transform(TRAIN)).all()


@pytest.mark.parametrize("kept", [["age", "hours"], ["work"]])
def test_numbers_or_categories_alone(kept: list[str]) -> None:
    preparation = TabularPreparation.fit(
        TRAIN, label="income", classes=("low", "high"), features=kept, groups=["sex"]
    )
    assert preparation.transform(TRAIN).shape == (4, 3)
    assert len(preparation.feature_names) == 3


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (TRAIN.drop(columns=["hours", "work"]), "no column hours, work; needed: age, hours"),
        (TRAIN.astype(object).assign(age="old"), "'age' holds 'old'"),
        (TRAIN.assign(age=np.inf), "'age' holds 'inf'"),
    ],
)
def test_rows_that_cannot_be_prepared(rows: pd.DataFrame, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        fit().transform(rows)


@pytest.mark.parametrize("label", ["mid", None])
def test_a_label_that_is_no_class(label: str | None) -> None:
    with pytest.raises(DataError, match=f"'income' holds '{label}'; accepted: low, high"):
        fit().encode_labels(TRAIN.assign(income=[label, "low", "low", "low"]))


def test_no_feature_left() -> None:
    with pytest.raises(ConfigError, match=r"data\.use_groups_as_features=true"):
        TabularPreparation.fit(
            TRAIN, label="income", classes=("low", "high"), features=["sex"], groups=["sex"]
        )


def rows_to_score() -> pd.DataFrame:
    return TRAIN.assign(age=[21.7, np.nan, 1e9, -3.3], work=["farm", None, "state", "private"])


def test_the_same_bits_after_loading(tmp_path: Path) -> None:
    preparation = fit(use_groups_as_features=True)
    preparation.save(tmp_path)
    again = TabularPreparation.load(tmp_path)
    assert again.feature_names == preparation.feature_names
    assert again.classes == ("low", "high")
    assert again.blocks == preparation.blocks
    rows = rows_to_score()
    np.testing.assert_array_equal(again.transform(rows), preparation.transform(rows))
    np.testing.assert_array_equal(again.encode_groups(rows), preparation.encode_groups(rows))
    np.testing.assert_array_equal(again.encode_labels(rows), preparation.encode_labels(rows))


@pytest.mark.slow
def test_the_same_bits_after_loading_in_another_process(tmp_path: Path) -> None:
    preparation = fit(use_groups_as_features=True)
    preparation.save(tmp_path / "saved")
    rows = rows_to_score()
    rows.to_json(tmp_path / "rows.json")
    program = (
        "import sys, pathlib, numpy, pandas\n"
        "from fairkd.data.tabular import TabularPreparation\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "loaded = TabularPreparation.load(folder / 'saved')\n"
        "rows = pandas.read_json(folder / 'rows.json', precise_float=True)\n"
        "numpy.save(folder / 'x.npy', loaded.transform(rows))\n"
        "numpy.save(folder / 'group.npy', loaded.encode_groups(rows))\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), preparation.transform(rows))
    np.testing.assert_array_equal(np.load(tmp_path / "group.npy"), preparation.encode_groups(rows))


def test_nothing_is_pickled(tmp_path: Path) -> None:
    fit().save(tmp_path)
    with zipfile.ZipFile(tmp_path / "features.skops") as archive:
        endings = {Path(name).suffix for name in archive.namelist()}
    assert endings <= {".json", ".npy"}


def test_a_foreign_type_is_not_loaded(tmp_path: Path) -> None:
    fit().save(tmp_path)
    file = tmp_path / "features.skops"
    with zipfile.ZipFile(file) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    schema = content["schema.json"].replace(b'"StandardScaler"', b'"Popen"')
    assert schema != content["schema.json"]
    schema = schema.replace(b'"sklearn.preprocessing._data"', b'"subprocess"')
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in (content | {"schema.json": schema}).items():
            archive.writestr(name, data)
    with pytest.raises(DataError, match=r"subprocess\.Popen.*not opened"):
        TabularPreparation.load(tmp_path)


@pytest.mark.parametrize("damage", ["no folder", "not json", "key", "format", "skops"])
def test_a_damaged_preparation_is_a_sentence(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "saved"
    fit().save(folder)
    state = json.loads((folder / "preparation.json").read_text())
    if damage == "no folder":
        folder = tmp_path / "elsewhere"
    if damage == "not json":
        (folder / "preparation.json").write_text("{")
    if damage == "key":
        state.pop("numeric")
        (folder / "preparation.json").write_text(json.dumps(state))
    if damage == "format":
        (folder / "preparation.json").write_text(json.dumps(state | {"format": 99}))
    if damage == "skops":
        (folder / "features.skops").write_bytes(b"PK damaged")
    with pytest.raises(DataError, match="cannot be read"):
        TabularPreparation.load(folder)


def test_the_fit_is_that_of_scikit_learn_on_all_rows() -> None:
    random = np.random.default_rng(0)
    n = 5_000
    frame = pd.DataFrame(
        {
            "age": np.where(random.random(n) < 0.1, np.nan, random.normal(40, 10, n)),
            "hours": random.lognormal(3, 2, n),
            "constant": 1e9,
            "work": random.choice(["private", "state", "none"], n, p=[0.5, 0.4999, 0.0001]),
            "sex": random.choice(["f", "m"], n),
            "income": random.choice(["low", "high"], n),
        }
    )
    ours = fit(frame).features
    clean = frame[["age", "hours", "constant", "work"]]
    theirs = clone(ours).fit(clean)
    expected = theirs.transform(clean).astype(np.float32)
    np.testing.assert_array_equal(fit(frame).transform(frame), expected)
    assert ours.output_indices_ == theirs.output_indices_
    np.testing.assert_array_equal(ours.feature_names_in_, theirs.feature_names_in_)
    for step in ("simpleimputer", "standardscaler"):
        for name, value in vars(theirs.named_transformers_["numbers"][step]).items():
            found = getattr(ours.named_transformers_["numbers"][step], name)
            np.testing.assert_array_equal(found, value, err_msg=name)
