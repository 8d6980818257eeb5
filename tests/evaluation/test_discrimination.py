import tracemalloc

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fairkd.evaluation.discrimination import Auc, auc, auc_difference_interval, separation
from fairkd.evaluation.rates import reported


def _auc(probabilities, y):
    orders = {k: probabilities[:, k].argsort() for k in reported(probabilities.shape[1])}
    return auc(probabilities, y, orders)


def _binary(scores):
    scores = np.asarray(scores, dtype=float)
    return np.stack([1 - scores, scores], 1)


def test_two_classes_equal_scikit_learn_with_ties(make):
    predictions = make(n=300)
    rounded = _binary(predictions.probabilities[:, 1].round(1))
    expected = roc_auc_score(predictions.y, rounded[:, 1])
    assert _auc(rounded, predictions.y).value == pytest.approx(expected, rel=1e-12)


def test_many_classes_equal_scikit_learn(make):
    predictions = make(n=300, classes=4)
    expected = roc_auc_score(predictions.y, predictions.probabilities, multi_class="ovr")
    assert _auc(predictions.probabilities, predictions.y).value == pytest.approx(
        expected, rel=1e-12
    )


def test_variance_equals_delongs_double_loop():
    rng = np.random.default_rng(0)
    scores = rng.random(40).round(1)
    y = rng.integers(0, 2, 40)
    positive, negative = scores[y == 1], scores[y == 0]
    wins = np.array([[(a > b) + 0.5 * (a == b) for b in negative] for a in positive])
    expected = wins.mean(1).var(ddof=1) / len(positive) + wins.mean(0).var(ddof=1) / len(negative)
    assert _auc(_binary(scores), y).variance == pytest.approx(expected, rel=1e-12)


def test_variance_of_many_classes_is_that_of_a_stratified_bootstrap(make):
    predictions = make(n=300, classes=3)
    p, y = predictions.probabilities, predictions.y
    rng = np.random.default_rng(0)
    by_class = [np.flatnonzero(y == k) for k in range(3)]
    draws = []
    for _ in range(1500):
        rows = np.concatenate([rng.choice(c, len(c)) for c in by_class])
        draws.append(_auc(p[rows], y[rows]).value)
    assert np.std(draws) == pytest.approx(_auc(p, y).variance ** 0.5, rel=0.08)


def test_a_class_without_rows_or_with_one():
    assert np.isnan(_auc(_binary([0.1, 0.9]), np.array([1, 1])).value)
    lone = _auc(_binary([0.1, 0.9, 0.3]), np.array([0, 1, 0]))
    assert lone.value == 1
    assert np.isnan(lone.variance)
    assert np.isnan(lone.interval(0.95).low)


def test_some_of_the_rows_are_measured_as_if_alone(make):
    predictions = make(n=300, classes=3)
    p, y = predictions.probabilities, predictions.y
    rows = np.arange(0, 300, 3)
    orders = {k: rows[p[rows, k].argsort()] for k in range(3)}
    assert auc(p, y, orders) == pytest.approx(_auc(p[rows], y[rows]), rel=1e-12)


def test_gap_of_far_apart_groups_has_the_normal_interval_of_a_difference():
    groups = [Auc(0.9, 0.01**2), Auc(0.6, 0.02**2), Auc(np.nan, np.nan)]
    low, high, undefined = auc_difference_interval(groups, 20_000, 0.95, np.random.default_rng(0))
    reach = 1.96 * np.hypot(0.01, 0.02)
    assert (low, high) == pytest.approx((0.3 - reach, 0.3 + reach), abs=2e-3)
    assert undefined == 0


def test_gap_with_an_unknown_variance_has_no_interval():
    generator = np.random.default_rng(0)
    groups = [Auc(0.9, 0.01), Auc(1.0, np.nan)]
    assert np.isnan(auc_difference_interval(groups, 100, 0.95, generator).low)


def test_ranks_of_many_rows_hold_few_arrays_at_a_time():
    rng = np.random.default_rng(0)
    scores, positive = np.sort(rng.normal(size=50_000)), rng.random(50_000) < 0.7
    tracemalloc.start()
    separation(scores, positive)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 5 * scores.nbytes
