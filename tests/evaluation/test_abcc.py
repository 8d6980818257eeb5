import itertools

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from fairkd.data.blocks import Blocks
from fairkd.evaluation.abcc import abcc, abcc_interval
from fairkd.evaluation.truth import Truth


def _by_group(probabilities, group, classes):
    """Each group's ascending scores, for each class."""
    return [[np.sort(probabilities[group == g, k]) for g in np.unique(group)] for k in classes]


def _drawn(group, draws, seed):
    cells = [str(g) for g in range(group.max() + 1)]
    y = np.zeros(len(group), dtype=np.int64)
    truth = Truth(y, {"g": group}, Blocks.of({"g": cells}), ("a", "b"))
    return truth.group_draws("g", draws, seed)


@pytest.mark.parametrize("cells", [2, 5])
@pytest.mark.parametrize("digits", [1, 16])
def test_equals_scipys_wasserstein_distance(make, cells, digits):
    predictions = make(n=300, cells=cells, missing=False)
    scores = predictions.probabilities[:, 1].round(digits)
    group = predictions.memberships["sex"]
    expected = max(
        wasserstein_distance(scores[group == a], scores[group == b])
        for a, b in itertools.combinations(range(cells), 2)
    )
    found = abcc(_by_group(np.stack([1 - scores, scores], 1), group, [1]))
    assert found == pytest.approx(expected, rel=1e-12)


def test_many_classes_take_the_worst(make):
    predictions = make(n=200, classes=3, cells=2, missing=False)
    group = predictions.memberships["sex"]
    expected = max(
        wasserstein_distance(p[group == 0], p[group == 1]) for p in predictions.probabilities.T
    )
    assert abcc(_by_group(predictions.probabilities, group, range(3))) == pytest.approx(
        expected, rel=1e-12
    )


def test_one_group_is_undefined(make):
    p = make(n=20).probabilities
    group = np.full(20, 2)
    scores = _by_group(p, group, [1])
    assert np.isnan(abcc(scores))
    assert np.isnan(abcc_interval(scores, _drawn(group, 50, 0), 0.95).low)


def test_interval_agrees_with_resampling_rows():
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1, 2], [400, 300, 50])
    scores = rng.beta(2 + group, 3)
    p = np.stack([1 - scores, scores], 1)
    draws = []
    for _ in range(2000):
        rows = np.concatenate(
            [rng.choice(np.flatnonzero(group == g), (group == g).sum()) for g in range(3)]
        )
        draws.append(
            max(
                wasserstein_distance(scores[rows][group == a], scores[rows][group == b])
                for a, b in ((0, 1), (0, 2), (1, 2))
            )
        )
    scored = _by_group(p, group, [1])
    low, high, _ = abcc_interval(scored, _drawn(group, 2000, 1), 0.95)
    expected = np.quantile(draws, [0.025, 0.975])
    assert [low, high] == pytest.approx(expected, abs=0.006)
    assert low < abcc(scored) < high
