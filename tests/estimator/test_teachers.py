"""Who may teach, and what each is asked."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC
from torch import nn

from fairkd import FairDistiller

Make = Callable[..., FairDistiller]


def _answers(distiller: FairDistiller, x: Any) -> np.ndarray:
    """What the report's teacher says, as probabilities."""
    given = distiller._given(x)
    return distiller._teacher.logits(given, None).softmax(-1).numpy()


def test_a_fitted_classifier_is_used_as_it_is_on_raw_rows(quick: Make, people: Any) -> None:
    towns = make_column_transformer((OneHotEncoder(), ["town"]))
    clf = make_pipeline(towns, LogisticRegression()).fit(people.x, people.y)
    before = clf[-1].coef_.copy()
    distiller = quick(teacher=clf).fit(people.x, people.y)
    assert distiller.teacher_ is clf
    np.testing.assert_array_equal(clf[-1].coef_, before)
    np.testing.assert_allclose(
        _answers(distiller, people.x), clf.predict_proba(people.x), atol=1e-6
    )


def test_another_classifier_learns_the_training_rows_and_stays_as_it_was(quick: Make) -> None:
    x = np.arange(40.0).reshape(20, 2)
    y = np.array(["b", "a"] * 10)
    seen: list[Any] = []

    class Noting(DummyClassifier):  # type: ignore[misc]
        def fit(self, x: Any, y: Any) -> Any:
            seen.append((x, y))
            return super().fit(x, y)

    blank = Noting(strategy="prior")
    distiller = quick(teacher=blank, validation_fraction=0.4).fit(x, y)
    ((rows, labels),) = seen
    places = (rows[:, 0] / 2).astype(int)
    assert len(rows) == 12
    np.testing.assert_array_equal(rows, x[places])
    np.testing.assert_array_equal(labels, y[places])
    assert not hasattr(blank, "classes_")
    assert distiller.teacher_ is not blank
    settings = [{"alpha": 0.1}, {"alpha": 0.2}, {"teacher__strategy": "uniform"}]
    first, second, other = distiller.fit_many(x, y, settings=settings)
    assert len(seen) == 3
    assert first.teacher_ is second.teacher_
    assert (other.teacher_.strategy, blank.strategy) == ("uniform", "prior")


def test_a_frozen_classifier_is_fitted(quick: Make, people: Any) -> None:
    x = people.x[["skill"]]
    clf = FrozenEstimator(LogisticRegression().fit(x, people.y))
    assert quick(teacher=clf).fit(x, people.y).teacher_ is clf


def test_classes_are_matched_by_name(quick: Make) -> None:
    x = np.linspace(-1, 1, 60).reshape(-1, 1)
    clf = DummyClassifier(strategy="prior").fit(x, ["b"] * 45 + ["c"] * 15)
    distiller = quick(teacher=clf).fit(x, ["a", "b", "c"] * 20)
    expected = np.array([1e-6, 0.75, 0.25]) / (1 + 1e-6)
    np.testing.assert_allclose(_answers(distiller, x), np.tile(expected, (60, 1)), atol=1e-7)


def test_a_module_of_the_users_gets_x_as_float32(quick: Make, people: Any) -> None:
    seen = []

    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append((x.dtype, tuple(x.shape), self.training))
            return torch.stack([-x[:, 0], x[:, 0]], dim=1)

    net = Net()
    x = people.x[["skill"]]
    distiller = quick(teacher=net).fit(x, people.y)
    assert seen == [(torch.float32, (len(x), 1), False)]
    assert net.training  # as it was
    skill = x["skill"].to_numpy()
    np.testing.assert_allclose(
        _answers(distiller, x)[:, 1], 1 / (1 + np.exp(-2 * skill)), atol=1e-5
    )


@pytest.mark.slow
@pytest.mark.parametrize("both_columns", [True, False])
def test_probabilities_teach_row_by_row(quick: Make, people: Any, both_columns: bool) -> None:
    """A student of a perfect, certain teacher and alpha = 1 learns what the labels would teach."""
    x, y, groups = people
    truth = (x["skill"] > 0).to_numpy().astype(float)
    given = np.column_stack([1 - truth, truth]) if both_columns else truth
    distiller = quick(teacher=given, alpha=1.0, temperature=1, max_epochs=30).fit(x, y)
    decided = distiller.predict(x) == "yes"
    assert (decided == truth).mean() > 0.95
    assert distiller.teacher_ is None
    with pytest.raises(ValueError, match="pass teacher_probabilities, its probabilities of these"):
        distiller.report(x, y)
    report = distiller.report(x, y, teacher_probabilities=given, sensitive_features=groups)
    assert report.loc["teacher", "accuracy"] == ((truth == 1) == (y == "yes")).mean()


def test_probabilities_go_by_the_names_of_their_columns(quick: Make, people: Any) -> None:
    x, y, _ = people
    likely = np.where(x["skill"] > 0, 0.9, 0.1)
    array = np.column_stack([1 - likely, likely])
    named = pd.DataFrame({"yes": likely, "no": 1 - likely}, index=x.index)
    expected = quick(teacher=array).fit(x, y).predict_proba(x)
    for given in (named, pd.DataFrame(array), named["yes"], likely):
        assert (quick(teacher=given).fit(x, y).predict_proba(x) == expected).all()
    for given, sentence in (
        (named[["no"]], "The one column of outputs is called no"),
        (named["no"], "The one column of outputs is called no"),
        (named.set_axis(["ja", "nein"], axis=1), "teacher knows the classes ja, nein, and those"),
        (named.sample(frac=1), "teacher has the index of X in another order"),
    ):
        with pytest.raises(ValueError, match=sentence):
            quick(teacher=given).fit(x, y)


def test_a_module_that_ends_in_a_softmax_is_pointed_out(quick: Make, people: Any) -> None:
    x = people.x[["skill"]]
    with pytest.warns(UserWarning, match=r"sums to 1, .* leave out a softmax at its end"):
        quick(teacher=nn.Sequential(nn.Linear(1, 2), nn.Softmax(-1))).fit(x, people.y)


def test_a_function_makes_a_teacher_and_a_student(quick: Make, people: Any) -> None:
    made = []

    def net(features: int, classes: int) -> nn.Module:
        made.append((features, classes))
        return nn.Sequential(nn.Linear(features, 3), nn.ReLU(), nn.Linear(3, classes))

    distiller = quick(teacher=net, student=net).fit(people.x, people.y)
    width = len(distiller.preparation_.feature_names)
    assert set(made) == {(width, 2)}
    assert isinstance(distiller.teacher_, nn.Sequential)
    assert not distiller.student_.training


NUMBERS = pd.DataFrame({"a": np.linspace(0, 1, 30)})
TEXT = NUMBERS.assign(b="x")
LABELS = np.array([0, 1] * 15)


@pytest.mark.parametrize(
    ("teacher", "x", "sentence"),
    [
        ("mpl", NUMBERS, "Unknown teacher 'mpl'; did you mean 'mlp'?"),
        (LinearSVC(), NUMBERS, "teacher is a LinearSVC, which has no predict_proba"),
        (LogisticRegression(), TEXT, "teacher (LogisticRegression) cannot be fitted to X as it is"),
        (
            DummyClassifier().fit([[0]] * 3, [0, 1, 2]),
            NUMBERS,
            "teacher knows the class 2, which y does not have; it has: 0, 1.",
        ),
        (nn.Linear(1, 3), NUMBERS, "what teacher gives has 3 columns; accepted: 2"),
        (nn.Linear(2, 2), NUMBERS, "that does not take X as float32, shape [30, 1]"),
        (nn.Linear(1, 2), TEXT, "teacher is a torch module and X holds what is no number"),
        (np.ones((30, 3)) / 3, NUMBERS, "teacher has 3 columns; accepted: 2, one for each class"),
        (np.full((30, 2), 0.4), NUMBERS, "teacher has probabilities that do not sum to 1 in 30"),
        (np.ones(29), NUMBERS, "teacher has 29 rows and X has 30"),
        (np.full(30, 1.5), NUMBERS, "teacher has a value outside of 0 to 1 in 30 of 30 rows"),
        (np.full(30, np.nan), NUMBERS, "teacher has no finite number in 30 of 30 rows"),
        (["x"] * 30, NUMBERS, "teacher is no array of numbers"),
        (lambda n: nn.Linear(n, 2), NUMBERS, "teacher cannot be made with (1, 2)"),
        (lambda n, c: n + c, NUMBERS, "teacher makes a int; accepted: a torch.nn.Module."),
        (lambda n, c: nn.Linear(n, c + 1), NUMBERS, "The teacher gives logits of shape"),
    ],
)
def test_refusals(quick: Make, teacher: Any, x: pd.DataFrame, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        quick(teacher=teacher).fit(x, LABELS)
