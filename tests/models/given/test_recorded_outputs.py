from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fairkd.data.assembly import assemble
from fairkd.data.dataset import SPLITS
from fairkd.data.table import RawTable
from fairkd.errors import ConfigError, DataError
from fairkd.models.answers import Answers
from fairkd.models.given.recorded_outputs import RecordedOutputs


def _told(dataset, **source):
    model = Answers(len(dataset.classes))
    RecordedOutputs(**source).fill(model, dataset)
    return model


def _check(model, expected):
    for split in SPLITS:
        np.testing.assert_allclose(model.on(split).softmax(-1)[:, 1], expected(split), atol=1e-5)


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet", "npy", "npz", "single", "named"])
def test_rows_in_the_sources_order_reach_their_splits(kind, table, dataset, expected, tmp_path):
    both = pd.DataFrame({"yes": table["p"], "no": 1 - table["p"]})
    path = str(tmp_path / f"a teacher's.{kind}")
    if kind.startswith("csv"):
        both.to_csv(path, index=False)
    elif kind == "parquet":
        both.to_parquet(path)
    elif kind == "npy":
        np.save(path, both[["no", "yes"]])
    elif kind == "npz":
        np.savez(path, no=both["no"], yes=both["yes"])
    else:
        path += ".csv"
        table[["p"]].rename(columns={"p": "yes" if kind == "named" else "score"}).to_csv(path)
    _check(_told(dataset, path=path), expected)


def test_rows_are_matched_by_a_column_whatever_their_order(table, dataset, expected, tmp_path):
    path = str(tmp_path / "mixed.csv")
    more = pd.DataFrame({"id": ["elsewhere"], "p": [0.5]})
    mixed = pd.concat([table[["p", "id"]], more]).sample(frac=1, random_state=1)
    mixed.to_csv(path, index=False)
    _check(_told(dataset, path=path, key="id"), expected)
    path = str(tmp_path / "mixed.parquet")
    mixed.to_parquet(path)  # with the index, as a column of its own
    _check(_told(dataset, path=path, key="id"), expected)


def test_columns_of_the_data_itself(dataset, expected):
    _check(_told(dataset, columns=["p"]), expected)


def test_columns_are_named_in_the_order_of_the_classes(table, dataset, expected, tmp_path):
    path = str(tmp_path / "logits.csv")
    z = np.log(table["p"] / (1 - table["p"]))
    pd.DataFrame({"other": 7.0, "b": z, "a": 0.0}).to_csv(path, index=False)
    _check(_told(dataset, path=path, columns=["a", "b"], holds="logits"), expected)


@pytest.mark.parametrize("written", ["npy", "npz", "named"])
def test_classes_that_are_numbers_are_no_places_of_an_array(written, dataset, table, tmp_path):
    """Columns of an array go by their places, others by their names, whatever the order."""
    reordered = replace(dataset, classes=("1", "0"))  # as data.positive=0 makes it
    path = str(tmp_path / f"teacher.{'csv' if written == 'named' else written}")
    both = np.column_stack([1 - table["p"], table["p"]])
    if written == "named":
        pd.DataFrame({"0": both[:, 1], "1": both[:, 0]}).to_csv(path, index=False)
    else:
        {"npy": np.save, "npz": np.savez}[written](path, both)
    found = _told(reordered, path=path).on("test").softmax(-1)[:, 1]
    np.testing.assert_allclose(found, table["p"].iloc[dataset.rows["test"]], atol=1e-5)


def test_what_is_called_the_other_class_is_not_read_as_the_positive_one(table, dataset, tmp_path):
    alone = "The one column of outputs is called no, and one alone is read as that of yes"
    negative = 1 - table["p"]
    negative.rename("no").to_csv(tmp_path / "no.csv", index=False)
    np.savez(tmp_path / "no.npz", no=negative)
    for name in ("no.csv", "no.npz"):
        with pytest.raises(ConfigError, match=alone):
            _told(dataset, path=str(tmp_path / name))
    pd.DataFrame({"no": negative, "yes": table["p"]}).to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(ConfigError, match=alone):
        _told(dataset, path=str(tmp_path / "b.csv"), columns=["no"])
    with pytest.raises(ConfigError, match=r"columns=\[yes,no\] are named as the classes, in ano"):
        _told(dataset, path=str(tmp_path / "b.csv"), columns=["yes", "no"])


def test_a_column_that_the_data_has_too_shows_that_rows_are_mixed(
    table, dataset, expected, tmp_path
):
    path = str(tmp_path / "mixed.csv")
    for name in ("id", "town"):
        both = table[[name, "p"]].rename(columns={"p": "yes"})
        both.sample(frac=1, random_state=1).to_csv(path, index=False)
        with pytest.raises(ConfigError, match=f"has the column {name} of data=jobs in another ord"):
            _told(dataset, path=path)
        both.to_csv(path, index=False)
        _check(_told(dataset, path=path), expected)


def test_an_index_that_says_that_rows_are_mixed_is_not_overlooked(
    table, dataset, expected, tmp_path
):
    path = str(tmp_path / "mixed.parquet")
    mixed = table[["p"]].sample(frac=1, random_state=1)
    mixed.to_parquet(path)
    with pytest.raises(ConfigError, match="has an index that counts its rows in another order"):
        _told(dataset, path=path)
    mixed.sort_index().to_parquet(path)
    _check(_told(dataset, path=path), expected)


def test_rows_of_parts_by_time_and_of_certifying_rows_keep_their_outputs(table):
    """Every split's outputs are those of the rows that its features are of."""
    when = np.random.default_rng(2).permutation(len(table))
    dataset = assemble(
        RawTable("jobs", table.assign(when=when), "hired", ("no", "yes"), ("skill",), "x", "x"),
        groups=["sex"],
        seed=3,
        validation_fraction=0.25,
        test_fraction=0.25,
        certify_fraction=0.25,
        use_groups_as_features=False,
        rare_groups=None,
        split={"by": "time", "column": "when"},
    )
    model = _told(dataset, columns=["p"])
    assert "certify" in dataset.splits
    for split in SPLITS:
        skill = dataset.splits[split].x[:, 0].argsort()
        told = model.on(split)[:, 1].exp()[skill]
        assert bool((told.diff() >= 0).all())  # p rises with skill


def _file(table, tmp_path, change):
    path = str(tmp_path / "probs.csv")
    change(table[["id", "p"]].copy()).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("change", "source", "sentence"),
    [
        (
            lambda t: t[["p"]][:-1],
            {},
            "has 79 rows, and data=jobs has 80, so that they are too few",
        ),
        (lambda t: pd.concat([t, t])[["p"]], {}, "has 160 rows, and data=jobs has 80, .* too many"),
        (lambda t: t, {}, "has the columns id, p, and the classes of data=jobs are no, yes"),
        (lambda t: t, {"columns": ["q"]}, "Unknown column of .*probs.csv 'q'"),
        (lambda t: t, {"key": "name"}, "Unknown column of .*probs.csv in key 'name'"),
        (
            lambda t: t.rename(columns={"id": "town"}),
            {"key": "town"},
            "key=town names a column of data=jobs in which . stands more than once",
        ),
        (
            lambda t: pd.concat([t, t[:1]]),
            {"key": "id"},
            "key=id names a column of .*probs.csv in which r0 stands more than once",
        ),
        (
            lambda t: t[t["id"] != "r7"],
            {"key": "id"},
            "has no row for 1 rows of data=jobs, by id: r7; every row needs its outputs",
        ),
        (
            lambda t: t.assign(id=t["id"].where(t["id"] != "r7")),
            {"key": "id"},
            "key=id names a column of .*probs.csv with 1 empty values",
        ),
        (
            lambda t: t.assign(p=t["p"].where(t["id"] != "r7"))[["p"]],
            {},
            r"has no finite number in 1 of 80 rows, the first of them row 8 \(nan\)",
        ),
    ],
)
def test_files_that_do_not_fit_are_refused(change, source, sentence, table, dataset, tmp_path):
    path = _file(table, tmp_path, change)
    with pytest.raises(ConfigError, match=sentence):
        _told(dataset, path=path, **source)


def test_text_among_numbers_is_named(table, dataset, tmp_path):
    path = _file(table, tmp_path, lambda t: t[["p"]].astype(object).replace(t["p"][3], "high"))
    with pytest.raises(
        DataError, match="The column 'p' holds 'high', which is not a finite number"
    ):
        _told(dataset, path=path)


def test_a_file_without_names_is_refused(table, dataset, tmp_path):
    path = str(tmp_path / "bare.csv")
    table[["p"]].to_csv(path, index=False, header=False)
    with pytest.raises(
        ConfigError, match="which holds numbers and no names; give it a line of nam"
    ):
        _told(dataset, path=path)


def test_features_cannot_be_the_teachers_outputs(dataset):
    with pytest.raises(ConfigError, match="skill is a feature of data=jobs, so the student would"):
        _told(dataset, columns=["skill"])
    with pytest.raises(ConfigError, match="Unknown column of data=jobs 'q'"):
        _told(dataset, columns=["q"])


def test_arrays_that_are_no_columns_are_refused(dataset, tmp_path):
    path = str(tmp_path / "cube.npz")
    for arrays in ({"p": np.zeros((80, 2, 1))}, {"a": np.zeros((80, 2)), "b": np.zeros((80, 2))}):
        np.savez(path, **arrays)
        with pytest.raises(ConfigError, match="holds arrays that are no outputs"):
            _told(dataset, path=path)


def test_an_array_of_objects_is_not_opened(dataset, tmp_path):
    path = str(tmp_path / "pickled.npy")
    np.save(path, np.array([{"no": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ConfigError, match="cannot be read"):
        _told(dataset, path=path)
