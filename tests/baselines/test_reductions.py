"""The rows are Fairlearn's reductions, called directly, and keep the bound that is promised."""

import numpy as np
import pytest
import torch
from fairlearn import reductions
from hypothesis import given as over
from hypothesis import settings, strategies
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from fairkd.baselines.exponentiated_gradient import NAME as GRADIENT
from fairkd.baselines.exponentiated_gradient import ExponentiatedGradient
from fairkd.baselines.fitting_rows import FittingRows
from fairkd.baselines.grid_search import NAME as GRID
from fairkd.baselines.grid_search import GridSearch
from fairkd.baselines.reductions import reach
from fairkd.data.blocks import Block
from fairkd.errors import ConfigError

MOMENTS = {
    "selection_rate": reductions.DemographicParity,
    "true_positive_rate": reductions.TruePositiveRateParity,
    "false_positive_rate": reductions.FalsePositiveRateParity,
    "equalized_odds": reductions.EqualizedOdds,
}
LABELS = {
    "selection_rate": [(0, 1)],
    "true_positive_rate": [(1,)],
    "false_positive_rate": [(0,)],
    "equalized_odds": [(0,), (1,)],
}
pytestmark = pytest.mark.filterwarnings("ignore:Setting a")  # Fairlearn's use of pandas


def known(dataset, split, block, width):
    """The rows of known cell of a block, by the slow way: x, y and cells."""
    batch = dataset.splits[split]
    start = dataset.blocks[block].start
    columns = batch.group[:, start : start + width]
    rows = [i for i, row in enumerate(columns.tolist()) if max(row) == 1.0]
    cell = np.array([columns[i].tolist().index(1.0) for i in rows])
    return batch.x[rows].numpy(), batch.y[rows].numpy(), cell


def directly(dataset, statistic, bound, seed, **words):
    """Fairlearn's own randomised classifier on the rows of known sex."""
    x, y, cell = known(dataset, "train", "sex", 2)
    return reductions.ExponentiatedGradient(
        LogisticRegression(solver="newton-cholesky", random_state=seed),
        MOMENTS[statistic](difference_bound=bound),
        **words,
    ).fit(x, y, sensitive_features=np.array(["f", "m"])[cell])


def share_of_larger(y, cell, labels):
    counts = np.bincount(cell[np.isin(y, labels)])
    return counts.max() / counts.sum()


@pytest.mark.parametrize("statistic", MOMENTS)
def test_decisions_are_those_of_fairlearn_called_directly(make, statistic, given):
    data = make()
    _, y, cell = known(data, "train", "sex", 2)
    # Two groups of shares p and 1 - p differ by t where the smaller is max(p, 1 - p) t off.
    bound = 0.08 * min(share_of_larger(y, cell, labels) for labels in LABELS[statistic])
    fitted = directly(data, statistic, bound, 5, max_iter=20, eps=0.02)
    baseline = ExponentiatedGradient("sex", statistic, 0.08, max_iter=20, eps=0.02, seed=5)
    fit = baseline.fit(given(data))
    for split in ("validation", "test"):
        x = data.splits[split].x.numpy()
        expected = fitted.predict(x, random_state=5)
        np.testing.assert_array_equal(fit.rows[GRADIENT].decisions[split], expected)
        assert 0 < expected.mean() < 1
    used = [p for p, w in fitted.weights_.items() if w > 0]
    assert fit.facts["learners"] == len(used)
    linear = [p for p in used if hasattr(fitted.predictors_[p], "coef_")]
    assert fit.rows[GRADIENT].cost.parameters == 5 * len(linear)
    assert fit.rows[GRADIENT].cost.multiply_adds == 4 * len(linear)


@pytest.mark.parametrize("block", ["sex", "region"])
@pytest.mark.parametrize("statistic", MOMENTS)
@pytest.mark.parametrize("threshold", [0.0, 0.1])
def test_the_promise_holds_on_the_training_rows(
    make, statistic, threshold, block, given, largest_gap
):
    data = make()
    x, y, cell = known(data, "train", block, len(data.blocks[block].cells))
    # What fitting saw is decided anew: the training rows stand in validation's place.
    swapped = dict(data.splits) | {"validation": data.splits["train"]}
    same = type(data)(**{**vars(data), "splits": swapped})
    method = ExponentiatedGradient(block, statistic, threshold, max_iter=15, eps=0.01)
    fit = method.fit(given(same))
    everyone = fit.rows[GRADIENT].probabilities["validation"]
    lookup = {tuple(features): p for features, p in zip(
        data.splits["train"].x.tolist(), everyone, strict=True)}  # fmt: skip
    rates = np.array([lookup[tuple(features)] for features in x.tolist()])
    gap = max(largest_gap(rates, cell, np.isin(y, labels)) for labels in LABELS[statistic])
    assert gap == pytest.approx(fit.facts["train_difference"], abs=1e-12)
    assert gap <= fit.facts["train_difference_promised"] + 1e-9
    factor = 2.0
    if block == "sex":
        factor = max(1 / share_of_larger(y, cell, labels) for labels in LABELS[statistic])
    promised = threshold + factor * 0.01 * (1 + 2 * fit.facts["duality_gap"])
    assert fit.facts["train_difference_promised"] == pytest.approx(promised)


@settings(max_examples=60, deadline=None)
@over(
    counts=strategies.lists(strategies.integers(1, 50), min_size=2, max_size=4),
    rates=strategies.lists(strategies.floats(0, 1), min_size=4, max_size=4),
)
def test_no_two_groups_differ_by_more_than_the_reach(counts, rates):
    """Whatever the groups' rates: their difference over their largest one to all rows."""
    cell = np.repeat(np.arange(len(counts)), counts)
    block = Block("b", tuple("abcd"[: len(counts)]), 0)
    rows = FittingRows(np.zeros((len(cell), 1)), np.ones(len(cell), dtype=np.int64), cell, block)
    own = np.array(rates[: len(counts)])
    overall = float(own @ counts / sum(counts))
    furthest = np.abs(own - overall).max()
    assert np.ptp(own) <= reach("selection_rate", rows) * furthest + 1e-9
    if len(counts) == 2:  # and no smaller number would do
        assert np.ptp(own) == pytest.approx(reach("selection_rate", rows) * furthest, abs=1e-9)


@pytest.mark.parametrize("statistic", MOMENTS)
def test_without_a_threshold_the_grids_choice_is_fairlearns(make, statistic, given):
    data = make()
    x, y, cell = known(data, "train", "sex", 2)
    words = {"grid_size": 9, "constraint_weight": 0.8, "grid_limit": 1.5}
    fitted = reductions.GridSearch(
        LogisticRegression(solver="newton-cholesky", random_state=0),
        MOMENTS[statistic](),
        **words,
    ).fit(x, y, sensitive_features=cell)
    row = GridSearch("sex", statistic, None, **words).fit(given(data)).rows[GRID]
    for split in ("validation", "test"):
        features = data.splits[split].x.numpy()
        np.testing.assert_array_equal(row.decisions[split], fitted.predict(features))
        expected = fitted.predict_proba(features)[:, 1]
        np.testing.assert_array_equal(row.probabilities[split], expected.astype(np.float64))
    assert row.cost.parameters == 5


def test_with_a_threshold_the_most_accurate_within_it_on_validation_is_taken(
    make, given, largest_gap
):
    data = make()
    x, y, cell = known(data, "train", "sex", 2)
    fitted = reductions.GridSearch(
        LogisticRegression(solver="newton-cholesky", random_state=0),
        reductions.DemographicParity(),
        grid_size=15,
    ).fit(x, y, sensitive_features=cell)
    validation = data.splits["validation"]
    judged_x, _, judged_cell = known(data, "validation", "sex", 2)
    everyone = np.ones(len(judged_cell), dtype=bool)
    judged = [
        (
            largest_gap(one.predict(judged_x), judged_cell, everyone),
            (one.predict(validation.x.numpy()) == validation.y.numpy()).mean(),
        )
        for one in fitted.predictors_
    ]
    for threshold in (0.1, 0.2):
        best = max(accuracy for gap, accuracy in judged if gap <= threshold)
        fit = GridSearch("sex", threshold=threshold, grid_size=15).fit(given(data))
        gap, accuracy = judged[int(fit.facts["chosen"])]
        assert gap <= threshold
        assert accuracy == best
    assert max(gap for gap, _ in judged) > 0.2


def test_where_no_learner_keeps_the_threshold_the_nearest_is_taken(make, caplog, given):
    data = make()
    fit = GridSearch("sex", threshold=0.0, grid_size=3, grid_limit=0.1).fit(given(data))
    assert "none of 3 learners keeps demographic_parity_difference/sex within 0" in caplog.text
    assert fit.rows[GRID].decisions["test"].mean() > 0


def test_predictions_at_random_follow_their_seed_alone(make, given):
    beside = given(make())
    one, again, other = (
        ExponentiatedGradient("sex", threshold=0.01, max_iter=8, seed=s).fit(beside).rows[GRADIENT]
        for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(one.decisions["test"], again.decisions["test"])
    np.testing.assert_array_equal(one.probabilities["test"], other.probabilities["test"])
    assert (one.decisions["test"] != other.decisions["test"]).any()


def test_a_learner_without_a_random_state_gets_the_seed(make, given):
    beside = given(make())
    forest = RandomForestClassifier(n_estimators=3, max_depth=2)
    one, again, other = (
        GridSearch("sex", estimator=forest, grid_size=3, seed=seed).fit(beside).rows[GRID]
        for seed in (4, 4, 5)
    )
    np.testing.assert_array_equal(one.probabilities["test"], again.probabilities["test"])
    assert (one.probabilities["test"] != other.probabilities["test"]).any()
    assert forest.random_state is None
    # Trees are counted by their bytes alone.
    assert one.cost.parameters == 0
    assert one.cost.not_counted == ("Votes",)
    assert one.cost.bytes > 1000


def test_a_learner_without_probabilities_decides_by_0_and_1(make, given):
    row = GridSearch("sex", estimator=LinearSVC(), grid_size=3).fit(given(make())).rows[GRID]
    np.testing.assert_array_equal(row.probabilities["test"], row.decisions["test"])
    assert set(row.decisions["test"]) == {0, 1}


def test_learners_look_at_no_model_and_no_test_label(make, given, relabelled):
    data = make()
    test = data.splits["test"]
    other = relabelled(data, "test", 1 - test.y)
    baseline = ExponentiatedGradient("sex", max_iter=6)
    rows = [baseline.fit(given(d)).rows[GRADIENT] for d in (data, other)]
    np.testing.assert_array_equal(rows[0].probabilities["test"], rows[1].probabilities["test"])


@pytest.mark.parametrize("baseline", [ExponentiatedGradient, GridSearch])
def test_what_cannot_be_compared_is_refused(make, baseline, relabelled):
    data = make(missing=False)
    train = data.splits["train"]
    positive_women = torch.where(train.group[:, 0] == 1, 0, train.y)
    odd = relabelled(data, "train", positive_women)
    baseline("sex").check(odd)
    with pytest.raises(ConfigError, match="fewer than two groups of sex have rows in train that "):
        baseline("sex", "true_positive_rate").check(odd)
    with pytest.raises(ConfigError, match="decide between two classes, and made has 3"):
        baseline().check(make(classes=("a", "b", "c")))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"statistic": "f1"}, "statistic=f1 is not known; accepted: selection_rate, true_posit"),
        ({"threshold": -0.1}, "threshold=-0.1 is out of range"),
        ({"estimator": KNeighborsClassifier()}, "estimator=KNeighborsClassifier cannot be trained"),
        ({"seed": 2**32}, "seed=4294967296 is out of range"),
    ],
)
@pytest.mark.parametrize("baseline", [ExponentiatedGradient, GridSearch])
def test_values_that_cannot_work(baseline, words, sentence):
    with pytest.raises(ConfigError, match=sentence):
        baseline(**words)


@pytest.mark.parametrize(
    ("baseline", "words", "sentence"),
    [
        (ExponentiatedGradient, {"eps": 0}, "eps=0 is out of range"),
        (ExponentiatedGradient, {"max_iter": 0}, "max_iter=0 is out of range"),
        (ExponentiatedGradient, {"nu": 0.0}, "nu=0.0 is out of range"),
        (GridSearch, {"grid_size": 1}, "grid_size=1 is out of range"),
        (
            GridSearch,
            {"constraint_weight": 0.7},
            "constraint_weight=0.7 has no effect while",
        ),
        (GridSearch, {"constraint_weight": 2, "threshold": None}, "constraint_weight=2 is out of"),
    ],
)
def test_values_of_one_that_cannot_work(baseline, words, sentence):
    with pytest.raises(ConfigError, match=sentence):
        baseline(**words)


def test_a_ridge_classifier_is_linear_too(make, given):
    fit = ExponentiatedGradient("sex", estimator=RidgeClassifier(), max_iter=6).fit(given(make()))
    assert fit.rows[GRADIENT].cost.parameters == 5 * fit.facts["learners"]
