"""What scikit-learn asks of an estimator."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from fairkd import DemographicParity, FairDistiller

Make = Callable[..., FairDistiller]


@pytest.mark.slow
# Most checks have too few rows to hold some of each class apart, and the distiller says so.
@pytest.mark.filterwarnings("ignore:The class .* too few to hold:UserWarning")
@parametrize_with_checks(
    [
        FairDistiller(
            teacher="linear", student="linear", max_epochs=8, batch_size=16, learning_rate=0.05
        )
    ]
)
def test_every_check_of_an_estimator(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def test_parameters_are_kept_as_given_and_varied_by_name() -> None:
    constraint = DemographicParity(threshold=0.1, by="sex")
    distiller = FairDistiller(LogisticRegression(), temperature=2, constraint=constraint)
    assert distiller.constraint is constraint
    copied = clone(distiller).set_params(constraint__threshold=0.2, teacher__C=3.0, alpha=0.5)
    assert (copied.constraint.threshold, copied.constraint.by) == (0.2, "sex")
    assert (copied.teacher.C, copied.alpha, copied.temperature) == (3.0, 0.5, 2)
    assert (constraint.threshold, distiller.teacher.C) == (0.1, 1.0)


def test_a_copy_has_the_fitted_teacher_and_a_new_one_of_another(people: Any) -> None:
    numbers = people.x[["skill"]]
    fitted, blank = LogisticRegression().fit(numbers, people.y), LogisticRegression()
    assert clone(FairDistiller(fitted)).teacher is fitted
    assert clone(FairDistiller(blank)).teacher is not blank
    assert clone(FairDistiller("no such teacher")).teacher == "no such teacher"


def test_a_copy_asks_for_the_same_metadata() -> None:
    with sklearn.config_context(enable_metadata_routing=True):
        distiller = FairDistiller().set_fit_request(sensitive_features=True)
        copied = clone(distiller)
        requested = copied.get_metadata_routing().fit.requests
    assert requested == {"sensitive_features": True}


def test_predicting_before_fitting_is_refused() -> None:
    with pytest.raises(NotFittedError):
        FairDistiller().predict([[1.0]])


@pytest.mark.slow
def test_a_pickled_distiller_says_the_same(quick: Make, people: Any, more_people: Any) -> None:
    distiller = quick(teacher="gradient_boosting", constraint=DemographicParity())
    distiller.fit(people.x, people.y, sensitive_features=people.groups)
    read = pickle.loads(pickle.dumps(distiller))
    x, y, groups = more_people
    np.testing.assert_array_equal(read.predict_proba(x), distiller.predict_proba(x))
    pd.testing.assert_frame_equal(
        read.report(x, y, sensitive_features=groups),
        distiller.report(x, y, sensitive_features=groups),
    )


def test_a_pipeline_passes_the_groups_on(quick: Make, people: Any) -> None:
    x, groups = people.x[["skill"]], people.groups
    scaled = quick(constraint=DemographicParity(by="race"))
    pipeline = make_pipeline(StandardScaler(), scaled)
    pipeline.fit(x, people.y, fairdistiller__sensitive_features=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        scaled.set_fit_request(sensitive_features=True)
        routed = make_pipeline(StandardScaler(), clone(scaled))
        routed.fit(x, people.y, sensitive_features=groups)
    expected = clone(scaled).fit(
        StandardScaler().fit_transform(x), people.y, sensitive_features=groups
    )
    by_hand = expected.predict_proba(StandardScaler().fit_transform(x))
    np.testing.assert_array_equal(pipeline.predict_proba(x), by_hand)
    np.testing.assert_array_equal(routed.predict_proba(x), by_hand)


@pytest.mark.slow
def test_a_search_gives_each_fold_its_own_groups(quick: Make, people: Any) -> None:
    grid = {"constraint__threshold": np.array([0.01, 0.3])}
    search = GridSearchCV(quick(constraint=DemographicParity()), grid, cv=2, error_score="raise")
    search.fit(people.x, people.y, sensitive_features=people.groups)
    assert len(search.cv_results_["mean_test_score"]) == 2
    assert search.best_estimator_.score(people.x, people.y) > 0.5
    with sklearn.config_context(enable_metadata_routing=True):
        routed = quick(constraint=DemographicParity()).set_fit_request(sensitive_features=True)
        scores = cross_val_score(
            routed,
            people.x,
            people.y,
            cv=2,
            params={"sensitive_features": people.groups},
            error_score="raise",
        )
    assert scores.shape == (2,)
