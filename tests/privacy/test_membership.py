import math

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss, roc_auc_score

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.imperfect import Imperfect
from fairkd.data.imperfect_labels import imperfect_labels
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.truth import Truth
from fairkd.privacy.membership import membership, odds_against

BLOCKS = Blocks.of({"sex": ["f", "m", "x"]})


def _rows(logits, y, group=None):
    y = np.asarray(y)
    group = np.zeros(len(y), dtype=np.int64) if group is None else np.asarray(group)
    truth = Truth(y, {"sex": group}, BLOCKS, tuple(map(str, range(logits.shape[1]))))
    return Predictions.from_logits(torch.as_tensor(logits), truth)


def _sides(seed, n=120, m=90, classes=3, gain=1):
    """Members and others with many ties; members' own logits are larger by ``gain``."""
    rng = np.random.default_rng(seed)

    def side(size, more):
        y = rng.integers(0, classes, size)
        logits = rng.integers(-2, 3, (size, classes)).astype(np.float64)
        logits[np.arange(size), y] += more
        return _rows(logits, y, rng.integers(-1, 2, size))

    return side(n, gain), side(m, 0.0)


def _delong(own, other):
    """The area and DeLong's variance, pair by pair."""
    wins = (own[:, None] < other).astype(float) + 0.5 * (own[:, None] == other)
    variance = wins.mean(1).var(ddof=1) / len(own) + wins.mean(0).var(ddof=1) / len(other)
    return wins.mean(), variance


def test_it_is_scikit_learns_area_with_delongs_interval_pair_by_pair():
    members, others = _sides(0)
    found = membership(members, others, 0.95)
    for cell in (None, 0, 1):
        name = "membership_auc" + ("" if cell is None else f"/sex.{'fm'[cell]}")
        own, other = (
            odds_against(side)[slice(None) if cell is None else side.memberships["sex"] == cell]
            for side in (members, others)
        )
        told = np.repeat([1, 0], [len(own), len(other)])
        area, variance = _delong(own, other)
        assert found.metrics[name] == pytest.approx(area, rel=1e-12)
        assert area == pytest.approx(roc_auc_score(told, -np.concatenate([own, other])))
        low, high = found.intervals[name]
        assert (high - low) / 2 == pytest.approx(1.959964 * math.sqrt(variance), rel=1e-6)
        assert (low + high) / 2 == pytest.approx(found.metrics[name])


def test_members_of_lower_loss_are_above_one_half():
    members, others = _sides(1, n=400, m=400)
    assert membership(members, others, 0.95).metrics["membership_auc"] > 0.6
    assert membership(others, members, 0.95).metrics["membership_auc"] < 0.4


@pytest.mark.parametrize("classes", [2, 3])
def test_odds_are_those_of_the_cross_entropy(classes):
    members, _ = _sides(2, classes=classes)
    mean = log_loss(members.y, members.probabilities, labels=range(classes))
    assert np.log1p(odds_against(members)).mean() == pytest.approx(mean, rel=1e-12)


def test_rows_of_which_a_model_is_sure_are_told_apart_and_lost_ones_are_finite():
    logits = np.array([[40.0, 0.0], [50.0, 0.0], [0.0, 2000.0]])
    found = odds_against(_rows(logits, [0, 0, 0]))
    assert found[:2] == pytest.approx([math.exp(-40), math.exp(-50)], rel=1e-12)
    assert np.isfinite(found).all()


def test_a_group_with_fewer_than_two_rows_on_a_side_is_undefined_and_named():
    logits = np.random.default_rng(0).normal(size=(6, 2))
    members = _rows(logits, [0, 1, 0, 1, 0, 1], [0, 0, 0, 1, -1, -1])
    others = _rows(logits[:5], [0, 1, 0, 1, 0], [0, 0, 1, 1, 1])
    found = membership(members, others, 0.95)
    assert found.undefined == ["membership_auc/sex.m", "membership_auc/sex.x"]
    table = found.tables["sex"]
    assert table["members"].tolist() == [3, 1, 0]
    assert table["others"].tolist() == [2, 3, 0]
    assert np.isnan(table.loc["m", "membership_auc_low"])


def test_the_interval_covers_one_half_where_nothing_is_told():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        members, others = (_rows(rng.normal(size=(n, 2)), rng.integers(0, 2, n)) for n in (60, 40))
        low, high = membership(members, others, 0.9).intervals["membership_auc"]
        covered += low <= 0.5 <= high
    assert 0.87 <= covered / 400 <= 0.93


@pytest.mark.parametrize("flaws", [Imperfect(label_smoothing=0.2), Imperfect(label_flip_rate=0.1)])
def test_of_a_smoothed_or_corrected_label_the_one_that_it_was_made_from_counts(flaws):
    y = np.array([0, 1, 2, 1, 0, 2])
    told = torch.from_numpy(imperfect_labels(y, 3, flaws, np.random.default_rng(0)))
    assert told.ndim == 2
    rows = Batch(torch.zeros(6, 1), told, torch.eye(3)[y], torch.arange(6), torch.ones(6))
    assert Truth.of(rows, BLOCKS, ("a", "b", "c")).y.tolist() == y.tolist()
