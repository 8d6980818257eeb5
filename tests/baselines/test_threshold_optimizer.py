"""The row is Fairlearn's ThresholdOptimizer, called directly, wherever a group is known."""

import numpy as np
import pytest
import torch
from fairlearn import metrics, postprocessing
from sklearn.base import BaseEstimator, ClassifierMixin

from fairkd.baselines.threshold_optimizer import NAME, OF_TEACHER, ThresholdOptimizer
from fairkd.errors import ConfigError
from fairkd.evaluation.evaluate import evaluate

FAIRLEARNS = {
    "selection_rate": "demographic_parity",
    "true_positive_rate": "true_positive_rate_parity",
    "false_positive_rate": "false_positive_rate_parity",
    "equalized_odds": "equalized_odds",
}
LABELS = {"selection_rate": (0, 1), "true_positive_rate": (1,), "false_positive_rate": (0,)}


class First(ClassifierMixin, BaseEstimator):
    """Its only feature is its score."""

    def fit(self, x, y):
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, x):
        return np.concatenate([1 - x, x], axis=1)


def directly(beside, model, statistic, threshold, seed, split):
    """Fairlearn on the rows of known sex: the decisions, and where they are."""
    fit_on, decide = (beside.predictions[s][model] for s in ("validation", split))
    known, asked = fit_on.memberships["sex"] >= 0, decide.memberships["sex"] >= 0
    fitted = postprocessing.ThresholdOptimizer(
        estimator=First().fit(None, None),
        constraints=FAIRLEARNS[statistic],
        prefit=True,
        predict_method="predict_proba",
        tol=threshold,
    ).fit(
        fit_on.probabilities[known, 1:],
        fit_on.y[known],
        sensitive_features=np.array(["f", "m"])[fit_on.memberships["sex"][known]],
    )
    decisions = fitted.predict(
        decide.probabilities[asked, 1:],
        sensitive_features=np.array(["f", "m"])[decide.memberships["sex"][asked]],
        random_state=seed,
    )
    return decisions, asked


@pytest.mark.parametrize("statistic", FAIRLEARNS)
@pytest.mark.parametrize("split", ["validation", "test"])
def test_decisions_are_those_of_fairlearn_called_directly(make, statistic, split, given):
    beside = given(make())
    bound = 0.0 if statistic == "equalized_odds" else 0.1
    fit = ThresholdOptimizer("sex", statistic, bound, seed=3).fit(beside)
    for name, model in ((OF_TEACHER, "teacher"), (NAME, "student")):
        expected, known = directly(beside, model, statistic, bound or None, 3, split)
        np.testing.assert_array_equal(fit.rows[name].decisions[split][known], expected)
        assert 0 < expected.mean() < 1


@pytest.mark.parametrize("threshold", [0.0, 0.03, 0.1])
@pytest.mark.parametrize("statistic", LABELS)
def test_the_bound_holds_on_validation_in_expectation(
    make, statistic, threshold, given, largest_gap
):
    beside = given(make())
    row = ThresholdOptimizer("sex", statistic, threshold).fit(beside).rows[NAME]
    truth = beside.predictions["validation"]["student"].truth
    cell = truth.memberships["sex"]
    chosen = (cell >= 0) & np.isin(truth.y, LABELS[statistic])
    assert largest_gap(row.probabilities["validation"], cell, chosen) <= threshold + 1e-9
    student = beside.predictions["validation"]["student"].predicted(0.5)
    assert largest_gap(student, cell, chosen) > 0.15  # there was something to do


def test_rows_of_unknown_group_are_decided_as_the_model_decides_them(make, given):
    beside = given(make(), threshold=0.8)
    fit = ThresholdOptimizer("sex", seed=1).fit(beside)
    for name, model in ((OF_TEACHER, "teacher"), (NAME, "student")):
        predictions = beside.predictions["test"][model]
        unknown = predictions.memberships["sex"] < 0
        own = predictions.probabilities[unknown, 1] >= 0.8
        assert 0 < own.mean() < 1
        np.testing.assert_array_equal(fit.rows[name].decisions["test"][unknown], own)
        np.testing.assert_array_equal(fit.rows[name].probabilities["test"][unknown], own)


def test_decisions_at_random_follow_their_seed_alone(make, given):
    beside = given(make())
    one, again, other = (
        ThresholdOptimizer("sex", threshold=0.0, seed=seed).fit(beside).rows[NAME]
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one.decisions["test"], again.decisions["test"])
    np.testing.assert_array_equal(one.probabilities["test"], other.probabilities["test"])
    drawn = (one.probabilities["test"] > 0) & (one.probabilities["test"] < 1)
    assert drawn.any()
    differ = one.decisions["test"] != other.decisions["test"]
    assert differ.any()
    assert not (differ & ~drawn).any()


def test_the_names_of_cells_say_nothing(make, given):
    """Groups in the other order: the same thresholds, so the same probabilities."""
    data = make()
    turned = {
        name: batch._replace(group=batch.group[:, [1, 0, 2, 3, 4]])
        for name, batch in data.splits.items()
    }
    other = type(data)(**{**vars(data), "splits": turned})
    rows = [ThresholdOptimizer("sex").fit(given(d)).rows[NAME] for d in (data, other)]
    np.testing.assert_array_equal(rows[0].probabilities["test"], rows[1].probabilities["test"])


def test_the_records_rates_are_those_of_a_metric_frame_on_its_decisions(make, given):
    beside = given(make())
    row = ThresholdOptimizer("sex").fit(beside).rows[NAME]
    truth = beside.predictions["test"]["student"].truth
    found = evaluate(row.predictions("test", truth), beside.settings)
    known = truth.memberships["sex"] >= 0
    frame = metrics.MetricFrame(
        metrics={"accuracy": lambda t, p: (t == p).mean(), "selected": metrics.selection_rate},
        y_true=truth.y[known],
        y_pred=row.decisions["test"][known],
        sensitive_features=truth.memberships["sex"][known],
    )
    gap = found.metrics["demographic_parity_difference/sex"]
    assert gap == pytest.approx(frame.difference()["selected"], abs=1e-12)
    assert found.tables["sex"]["accuracy"].tolist() == pytest.approx(
        frame.by_group["accuracy"].tolist(), abs=1e-12
    )
    assert found.metrics["accuracy"] == (row.decisions["test"] == truth.y).mean()


def test_a_group_with_one_label_is_named(make, relabelled):
    data = make()
    validation = data.splits["validation"]
    y = torch.where(validation.group[:, 0] == 1, 0, validation.y)
    with pytest.raises(ConfigError, match=r"'f' of sex has no row labelled 'yes' in validation"):
        ThresholdOptimizer("sex").check(relabelled(data, "validation", y))
    ThresholdOptimizer("region").check(relabelled(data, "validation", y))


def test_a_cell_without_rows_costs_nothing_unless_it_is_to_be_decided(make):
    data = make(missing=False)

    def without(split, batch):
        kept = batch.group[:, 2] == 0
        return batch.rows(kept) if split in emptied else batch

    emptied = ("validation", "test")
    few = {name: without(name, batch) for name, batch in data.splits.items()}
    ThresholdOptimizer("region").check(type(data)(**{**vars(data), "splits": few}))
    emptied = ("validation",)
    few = {name: without(name, batch) for name, batch in data.splits.items()}
    with pytest.raises(ConfigError, match="'n' of region has no row labelled"):
        ThresholdOptimizer("region").check(type(data)(**{**vars(data), "splits": few}))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"statistic": "accuracy"}, "statistic=accuracy is not known; accepted: selection_rate,"),
        ({"statistic": "equalized_odds"}, "threshold=0.05 cannot be kept for equalized_odds"),
        ({"threshold": 1.5}, "threshold=1.5 is out of range"),
        ({"objective": "profit"}, "accepted: accuracy, balanced_accuracy"),
        ({"grid_size": 1}, "grid_size=1 is out of range"),
        ({"seed": -1}, "seed=-1 is out of range"),
    ],
)
def test_values_that_cannot_work(words, sentence):
    with pytest.raises(ConfigError, match=sentence):
        ThresholdOptimizer(**words)


def test_more_than_two_classes_are_refused(make):
    with pytest.raises(ConfigError, match="decide between two classes, and made has 3"):
        ThresholdOptimizer().check(make(classes=("a", "b", "c")))
