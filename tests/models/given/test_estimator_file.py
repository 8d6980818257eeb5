import logging
import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.svm import LinearSVC

from fairkd.data.assembly import assemble
from fairkd.data.dataset import SPLITS
from fairkd.data.table import RawTable
from fairkd.errors import ConfigError
from fairkd.models.answers import Answers
from fairkd.models.given.estimator_file import EstimatorFile
from fairkd.models.given.trust import check_trusted


def _told(path, dataset, **how):
    model = Answers(len(dataset.classes))
    EstimatorFile(str(path), **how).check(model, dataset)
    EstimatorFile(str(path), **how).fill(model, dataset)
    return model


def _pipeline(table) -> Pipeline:
    columns = make_column_transformer(
        (OneHotEncoder(), ["town", "sex"]), ("passthrough", ["skill"])
    )
    return make_pipeline(columns, LogisticRegression()).fit(
        table[["sex", "town", "skill"]], table["hired"]
    )


def _write(estimator, path: Path) -> None:
    if path.suffix == ".skops":
        skops.io.dump(estimator, path)
    elif path.suffix == ".joblib":
        joblib.dump(estimator, path)
    else:
        path.write_bytes(pickle.dumps(estimator))


@pytest.mark.parametrize("ending", ["skops", "pkl", "joblib"])
def test_a_pipeline_gets_its_named_columns_of_the_raw_rows(ending, table, dataset, tmp_path):
    path = tmp_path / f"pipe.{ending}"
    pipeline = _pipeline(table)
    _write(pipeline, path)
    found = _told(path, dataset, allow_pickle=ending != "skops")
    for split in SPLITS:
        expected = pipeline.predict_proba(dataset.raw[split])
        np.testing.assert_allclose(found.on(split).softmax(-1), expected, atol=1e-5)


def test_one_without_names_gets_prepared_rows_and_its_classes_may_be_places(
    dataset, tmp_path, caplog
):
    rows = dataset.splits["train"]
    trees = HistGradientBoostingClassifier(max_iter=5).fit(rows.x.numpy(), rows.y.numpy())
    path = tmp_path / "trees.skops"
    _write(trees, path)
    with caplog.at_level(logging.INFO):
        found = _told(path, dataset)
    assert "its classes are taken for the data's: 0 for no, 1 for yes." in caplog.text
    expected = trees.predict_proba(dataset.splits["test"].x.numpy())
    np.testing.assert_allclose(found.on("test").softmax(-1), expected, atol=1e-5)


def test_raw_columns_win_where_prepared_ones_have_the_same_names(table, tmp_path):
    """Prepared numbers are called as the raw ones, and are standardised."""
    frame = table.assign(age=np.linspace(20, 60, len(table)))
    dataset = assemble(
        RawTable("jobs", frame, "hired", ("no", "yes"), ("skill", "age"), "the test", "x"),
        groups=["sex"],
        seed=3,
        validation_fraction=0.25,
        test_fraction=0.25,
        use_groups_as_features=False,
        rare_groups=None,
    )
    named = frame[["skill", "age"]]
    assert dataset.preparation.feature_names == tuple(named)
    model = GaussianNB().fit(named, frame["hired"])
    _write(model, tmp_path / "bayes.skops")
    found = _told(tmp_path / "bayes.skops", dataset)
    expected = model.predict_proba(named.iloc[dataset.rows["test"]])
    np.testing.assert_allclose(found.on("test").softmax(-1), expected, atol=1e-5)


def test_classes_are_matched_by_name_in_any_order(dataset, tmp_path):
    rows = dataset.splits["train"]
    model = GaussianNB().fit(rows.x.numpy(), np.where(rows.y.numpy() == 1, "yes", "no"))
    expected = model.predict_proba(rows.x.numpy())
    model.classes_ = model.classes_[::-1]  # as if yes came first
    _write(model, tmp_path / "bayes.skops")
    found = _told(tmp_path / "bayes.skops", dataset)
    np.testing.assert_allclose(found.on("train").softmax(-1), expected[:, ::-1], atol=1e-5)


def test_a_pickle_is_read_with_a_warning_once_and_only_where_it_is_allowed(
    table, dataset, tmp_path, caplog
):
    path = tmp_path / "pipe.pkl"
    _write(_pipeline(table), path)
    with pytest.raises(ConfigError, match="is a pickle, and reading one runs whatever code is in"):
        _told(path, dataset)
    _told(path, dataset, allow_pickle=True)
    assert caplog.text.count("reading it runs whatever code is in it, with your rights") == 1


class Planted:
    """Code that a pickle would run."""

    def __reduce__(self):
        return exec, ("raise SystemError('it ran')",)


def test_a_refused_pickle_never_runs(dataset, tmp_path):
    path = tmp_path / "planted.pkl"
    path.write_bytes(pickle.dumps(Planted()))
    with pytest.raises(ConfigError, match=r"teacher\.allow_pickle=true"):
        _told(path, dataset)
    with pytest.raises(ConfigError, match=r"cannot be read \(it ran\)"):
        _told(path, dataset, allow_pickle=True)


def test_a_skops_file_with_a_function_of_others_is_refused(dataset, tmp_path):
    path = tmp_path / "foreign.skops"
    skops.io.dump(make_pipeline(FunctionTransformer(check_trusted), GaussianNB()), path)
    with pytest.raises(ConfigError, match=r"not scikit-learn's own \(.*check_trusted\)"):
        _told(path, dataset)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda x, y: Ridge().fit(x, y), "holds a Ridge, which has no predict_proba"),
        (lambda x, y: LinearSVC().fit(x, y), "holds a LinearSVC, which has no predict_proba"),
        (lambda x, y: GaussianNB(), "holds a GaussianNB that is not fitted"),
        (lambda x, y: GaussianNB().fit(x[:, :1], y), "was fitted on 1 columns without names, and"),
        (
            lambda x, y: GaussianNB().fit(x, np.array(["bad", "good"])[y]),
            "knows the classes bad, good, and those of the data are no, yes",
        ),
        (lambda x, y: [1, 2], "holds a list, which has no predict_proba"),
    ],
)
def test_what_is_no_fitting_classifier_is_refused(make, sentence, dataset, tmp_path):
    rows = dataset.splits["train"]
    path = tmp_path / "other.pkl"
    _write(make(rows.x.numpy(), rows.y.numpy()), path)
    with pytest.raises(ConfigError, match=sentence):
        _told(path, dataset, allow_pickle=True)


def test_columns_that_the_data_lacks_are_named(table, dataset, tmp_path):
    path = tmp_path / "pipe.skops"
    renamed = table.rename(columns={"skill": "talent"})
    columns = make_column_transformer(("passthrough", ["talent"]))
    _write(make_pipeline(columns, GaussianNB()).fit(renamed[["talent"]], table["hired"]), path)
    with pytest.raises(
        ConfigError, match="columns that data=jobs does not have: talent; it has id"
    ):
        _told(path, dataset)


@pytest.mark.parametrize("ending", ["skops", "pkl"])
def test_damaged_files_are_refused(ending, dataset, tmp_path):
    path = tmp_path / f"damaged.{ending}"
    path.write_bytes(b"no such thing")
    with pytest.raises(ConfigError, match="cannot be read"):
        _told(path, dataset, allow_pickle=True)


def test_files_of_another_kind_are_refused():
    with pytest.raises(ConfigError, match=r"clf\.txt is of no kind that holds a classifier"):
        check_trusted("clf.txt", True)
