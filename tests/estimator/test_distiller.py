"""Rows of every kind in, decisions out, and what is refused."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from torch import nn

from fairkd import (
    AccuracyParity,
    DemographicParity,
    EqualizedOdds,
    EqualOpportunity,
    FairDistiller,
)

Make = Callable[..., FairDistiller]


def _run(code: str) -> tuple[str, str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return done.stdout, done.stderr


def test_importing_fairkd_loads_nothing_heavy() -> None:
    code = """if True:
        import sys, fairkd
        print({"torch", "sklearn", "pandas", "numpy"} & set(sys.modules))
        from fairkd import DemographicParity, FairDistiller
        print({"torch", "pytorch_lightning"} & set(sys.modules))
    """
    assert _run(code) == ("set()\nset()\n", "")


@pytest.mark.slow
def test_fitting_loads_neither_hydra_nor_mlflow() -> None:
    code = """if True:
        import sys
        from fairkd import DemographicParity, FairDistiller
        few = FairDistiller("linear", "linear", max_epochs=1, constraint=DemographicParity())
        x, y, sex = [[float(i)] for i in range(20)], [0, 1] * 10, ["f", "m", "m", "f"] * 5
        few.fit(x, y, sensitive_features=sex).report(x, y, sensitive_features=sex)
        print({"hydra", "omegaconf", "mlflow"} & set(sys.modules))
    """
    assert _run(code) == ("set()\n", "")


def test_an_unknown_name_is_no_attribute() -> None:
    import fairkd

    assert "FairDistiller" in dir(fairkd)
    with pytest.raises(AttributeError, match="module 'fairkd' has no attribute 'FairDistiler'"):
        fairkd.FairDistiler  # noqa: B018


def test_text_categories_and_missing_values_are_prepared(quick: Make, people: Any) -> None:
    distiller = quick().fit(people.x, people.y, sensitive_features=people.groups)
    assert distiller.preparation_.feature_names == (
        "skill", "age", "age missing", "town=Bonn", "town=Kiel", "town=Ulm",
        "member=False", "member=True",
    )  # fmt: skip
    assert distiller.classes_.tolist() == ["no", "yes"]
    assert list(distiller.feature_names_in_) == ["skill", "age", "town", "member"]
    said = distiller.predict_proba(people.x)
    np.testing.assert_allclose(said.sum(1), 1)
    np.testing.assert_array_equal(
        distiller.predict(people.x), np.where(said[:, 1] > 0.5, "yes", "no")
    )
    elsewhere = people.x.assign(town="Rome", age=None)
    assert np.isfinite(distiller.predict_proba(elsewhere)).all()


def test_the_order_of_rows_has_no_say_in_what_one_row_gets(quick: Make, people: Any) -> None:
    distiller = quick().fit(people.x, people.y)
    turned = people.x.iloc[::-1]
    np.testing.assert_allclose(
        distiller.predict_proba(turned)[::-1], distiller.predict_proba(people.x), rtol=1e-6
    )


@pytest.mark.parametrize("kind", [np.float32, np.int64, list])
def test_arrays_of_any_number_type(quick: Make, kind: Any) -> None:
    numbers = np.arange(60).reshape(30, 2)
    x = numbers.tolist() if kind is list else numbers.astype(kind)
    expected = quick().fit(numbers.astype(float), [0, 1, 2] * 10).predict_proba(numbers)
    distiller = quick().fit(x, [0, 1, 2] * 10)
    assert distiller.predict_proba(x).dtype == np.float64
    np.testing.assert_array_equal(distiller.predict_proba(x), expected)


@pytest.mark.parametrize(
    "labels",
    [
        [True, False],
        [0.0, 1.0],
        np.array(["u", "v", "w"], dtype=object),
        pd.Categorical(["small", "large"]),
    ],
)
def test_labels_come_back_as_they_were(quick: Make, labels: Any) -> None:
    y = np.array(list(labels) * 12)[:24]
    distiller = quick(max_epochs=15).fit(np.eye(24)[:, :3] + np.c_[y == y[0]] * 9.0, y)
    assert distiller.classes_.tolist() == sorted(set(y.tolist()))
    assert distiller.predict(np.full((1, 3), 9.0))[0] == y[0]


@pytest.mark.parametrize("form", ["frame", "mapping", "series", "array", "matrix"])
def test_sensitive_features_of_any_form(quick: Make, people: Any, form: str) -> None:
    x, y, groups = people
    given, names = {
        "frame": (groups, ("sex", "race")),
        "mapping": ({"sex": groups["sex"], "race": list(groups["race"])}, ("sex", "race")),
        "series": (groups["race"].astype("category"), ("race",)),
        "array": (groups["race"].to_numpy(), ("group",)),
        "matrix": (groups.to_numpy(), ("group0", "group1")),
    }[form]
    distiller = quick().fit(x, y, sensitive_features=given)
    assert distiller.preparation_.blocks.names == names
    assert distiller.preparation_.blocks[names[-1]].cells[-1] in ("c", "m")
    assert f"selection_rate/{names[0]}.{distiller.preparation_.blocks[names[0]].cells[0]}" in (
        distiller.report(x, y, sensitive_features=given)
    )


def test_a_sensitive_column_of_x_is_no_feature_unless_asked_for(quick: Make, people: Any) -> None:
    x = people.x.assign(sex=people.groups["sex"])
    without = quick().fit(x, people.y, sensitive_features=x[["sex"]])
    assert not [name for name in without.preparation_.feature_names if "sex" in name]
    given = quick(use_groups_as_features=True).fit(x, people.y, sensitive_features=x[["sex"]])
    names = given.preparation_.feature_names
    assert [name for name in names if "sex" in name] == [
        "X.sex=(missing)", "X.sex=F", "X.sex=M",
    ]  # fmt: skip
    assert given.predict(x).shape == (len(x),)
    alike = quick().fit(people.x, people.y, sensitive_features=people.groups["sex"])
    np.testing.assert_array_equal(without.predict_proba(x), alike.predict_proba(people.x))


@pytest.mark.slow
def test_a_constraint_closes_the_gap_that_the_control_has(people: Any, quick: Make) -> None:
    x, y, groups = people
    at_length = {"max_epochs": 15, "batch_size": 32, "validation_fraction": 0.25}
    bound = DemographicParity(0.0, by="sex", method="penalty", weight=3.0)
    distiller = quick(constraint=bound, **at_length).fit(x, y, sensitive_features=groups)
    report = distiller.report(x, y, sensitive_features=groups)
    gap = report["demographic_parity_difference/sex"]
    assert gap["control"] > 0.25
    assert gap["student"] < 0.12
    assert report.loc["student - control", "demographic_parity_difference/sex_high"] < 0


def test_a_group_of_one_row_is_a_group(quick: Make, people: Any) -> None:
    groups = people.groups["race"].astype(object).copy()
    groups.iloc[0] = "d"
    distiller = quick(constraint=EqualizedOdds()).fit(people.x, people.y, sensitive_features=groups)
    assert distiller.preparation_.blocks["race"].cells == ("a", "b", "c", "d")


def test_too_few_rows_to_hold_some_apart_are_told(quick: Make) -> None:
    x, y = np.arange(8.0).reshape(8, 1), [0, 0, 0, 1, 1, 1, 1, 2]
    told = r"The class '2' has 1 of 8 rows, too few to hold validation_fraction=0.2 of them apart"
    with pytest.warns(UserWarning, match=told):
        distiller = quick().fit(x, y)
    assert distiller.predict_proba(x).shape == (8, 3)


@pytest.mark.slow
def test_the_seed_is_a_number_a_generator_or_none(quick: Make, people: Any) -> None:
    def said(random_state: Any) -> np.ndarray:
        return quick(random_state=random_state).fit(people.x, people.y).predict_proba(people.x)

    np.testing.assert_array_equal(said(5), said(np.int64(5)))
    np.testing.assert_array_equal(said(np.random.RandomState(5)), said(np.random.RandomState(5)))
    assert (said(5) != said(6)).any()
    assert said(None).shape == (240, 2)


GROUPS = ["f", "m", "m", "f"] * 10
X = np.arange(80.0).reshape(40, 2)
FRAME = pd.DataFrame(X, columns=["a", "b"])
Y = [0, 1] * 20
PARITY = {"constraint": DemographicParity()}


@pytest.mark.parametrize(
    ("parameters", "x", "y", "groups", "sentence"),
    [
        ({}, sparse.csr_array(X), Y, None, "Sparse data was passed"),
        ({}, FRAME.astype(pd.SparseDtype(float)), Y, None, "The column 'a' of X is sparse"),
        ({}, X * 1j, Y, None, "Complex data not supported"),
        ({}, np.where(X > 5, np.inf, X), Y, None, "Input X contains infinity"),
        ({}, FRAME.replace(4.0, np.inf), Y, None, "The column 'a' holds 'inf'"),
        ({}, FRAME.set_axis(["a", "a"], axis=1), Y, None, "X has several columns 'a'"),
        ({}, FRAME.assign(a=pd.Timestamp(0)), Y, None, "The column 'a' of X holds dates"),
        ({}, FRAME.iloc[:1], [0], None, "Found array with 1 sample(s)"),
        ({}, FRAME[[]], Y, None, "Found array with 0 feature(s)"),
        ({}, X, Y[:-1], None, "inconsistent numbers of samples: [40, 39]"),
        ({}, X, [0] * 40, None, "y has only the class 0; at least two classes are needed."),
        ({}, X, np.c_[Y, Y], None, "y has 2 columns; accepted: one label of each row."),
        ({}, X, X[:, 0] / 7, None, "Unknown label type: continuous"),
        ({}, X, [None, *Y[1:]], None, "Input y contains NaN"),
        (PARITY, X, Y, None, "constraint=DemographicParity() compares groups"),
        (PARITY, X, Y, GROUPS[:-1], "sensitive_features has 39 rows and X has 40"),
        (PARITY, X, Y, ["f"] * 40, "The group block 'group' has only the cell 'f'"),
        (PARITY, X, Y, X[:, 0], "'group' in sensitive_features is a number with 40 distinct"),
        (PARITY, X, Y, Y, "'group' in sensitive_features determines the label"),
        (PARITY, X, Y, 3, "sensitive_features is no table"),
        (PARITY, FRAME, Y, FRAME > 30, "No column is left as a feature"),
        ({"constraint": EqualOpportunity(by="sex")}, X, Y, GROUPS, "Unknown group block 'sex'"),
        ({"constraint": DemographicParity(2.0)}, X, Y, GROUPS, "threshold=2.0 is out of range"),
        ({"constraint": AccuracyParity(method="duall")}, X, Y, GROUPS, "method=duall is not known"),
        ({"constraint": DemographicParity}, X, Y, GROUPS, "make one of it: DemographicParity()."),
        ({"use_groups_as_features": "false"}, X, Y, None, "accepted: True, False."),
        ({"constraint": "parity"}, X, Y, GROUPS, "Unknown constraint 'parity'"),
        ({"temperature": 0}, X, Y, None, "temperature=0 is out of range"),
        ({"alpha": 1.5}, X, Y, None, "alpha=1.5 is out of range"),
        ({"learning_rate": -1}, X, Y, None, "learning_rate=-1 is out of range"),
        ({"max_epochs": 0}, X, Y, None, "max_epochs=0 is out of range"),
        ({"batch_size": 2.5}, X, Y, None, "batch_size=2.5 is not a whole number"),
        ({"validation_fraction": 1.5}, X, Y, None, "validation_fraction=1.5 is out of range"),
        ({"random_state": -1}, X, Y, None, "random_state=-1 is out of range"),
        ({"accelerator": "abacus"}, X, Y, None, "Lightning's Trainer refuses these settings"),
        ({"student": "tree"}, X, Y, None, "Unknown student 'tree'"),
        ({"student": nn.Linear(2, 2)}, X, Y, None, "student is a module that is already made"),
        ({"student": lambda n, c: nn.Linear(n, 9)}, X, Y, None, "The student gives logits of"),
        ({"learning_rate": 1e38}, X, Y, None, "Training diverged in epoch 1"),
    ],
)
def test_refusals(
    quick: Make, parameters: dict[str, Any], x: Any, y: Any, groups: Any, sentence: str
) -> None:
    with pytest.raises((ValueError, TypeError)) as refused:
        quick(**parameters).fit(x, y, sensitive_features=groups)
    told = str(refused.value)
    assert sentence in told
    assert "data." not in told


def test_rows_in_another_order_are_refused(quick: Make, people: Any) -> None:
    """Rows are matched by their places, which an index may contradict."""
    x, y, groups = people
    mixed = x.sample(frac=1, random_state=0)
    with pytest.raises(ValueError, match=r"^y has the index of X in another order, .*y.loc\[X.ind"):
        quick().fit(mixed, y, sensitive_features=groups.loc[mixed.index])
    for given in (groups, groups["sex"], dict(groups)):
        with pytest.raises(ValueError, match=r"^sensitive_features has the index of X in another"):
            quick().fit(mixed, y.loc[mixed.index], sensitive_features=given)
    with pytest.raises(ValueError, match=r"^sensitive_features has the index of y in another"):
        quick().fit(np.zeros((len(x), 1)), y.loc[mixed.index], sensitive_features=groups)
    distiller = quick().fit(x, y, sensitive_features=groups)
    with pytest.raises(ValueError, match=r"^sensitive_features has the index of X in another"):
        distiller.report(mixed, y.loc[mixed.index], sensitive_features=groups)
    again = quick().fit(x, y.to_numpy(), sensitive_features=groups.reset_index(drop=True))
    assert (again.predict_proba(x) == distiller.predict_proba(x)).all()


def test_columns_in_another_order_are_refused_whatever_they_are_called(
    quick: Make, people: Any
) -> None:
    for names in (["a", "b"], [0, 1]):
        x = people.x[["skill", "age"]].set_axis(names, axis=1)
        with pytest.raises(ValueError, match=r"same order|X has the columns 1, 0, and fit was giv"):
            quick().fit(x, people.y).predict(x[names[::-1]])


def test_rows_unlike_the_fitted_ones_are_refused(quick: Make, people: Any) -> None:
    x, y, groups = people
    distiller = quick(**PARITY).fit(x, y, sensitive_features=groups)

    def refused(x: Any, y: Any = y, groups: Any = groups) -> str:
        with pytest.raises(ValueError, match=" ") as told:
            distiller.report(x, y, sensitive_features=groups)
        return str(told.value)

    assert "feature names should match those that were passed during fit" in refused(
        x[x.columns[::-1]]
    )
    assert "The column 'age' holds 'old'" in refused(x.assign(age="old"))
    assert "y has the label 'maybe'; the fitted classes are: 'no', 'yes'." in refused(
        x, y.replace("no", "maybe")
    )
    assert refused(x, groups=None).startswith("sensitive_features lacks sex, race")
    unseen = refused(x, groups=groups.assign(race="d"))
    assert unseen.startswith("The value 'd' of the group block 'race' was never seen")
    assert unseen.endswith("or merge rare groups before fitting.")


def test_a_setting_that_cannot_be_set_is_refused(quick: Make, people: Any) -> None:
    for setting in ({"temperatur": 2}, {"constraint__threshold": 0.1}):
        with pytest.raises(ValueError, match=r"settings=.* cannot be set"):
            quick().fit_many(people.x, people.y, settings=[setting])
    with pytest.raises(ValueError, match="settings is no list of mappings"):
        quick().fit_many(people.x, people.y, settings={"temperature": [1, 2]})
    assert quick().fit_many(people.x, people.y, settings=[]) == []
