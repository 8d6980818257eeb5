"""Wasserstein distance, covariance and mutual information against SciPy, NumPy and scikit-learn."""

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import entropy, wasserstein_distance
from sklearn.metrics import mutual_info_score

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.evaluation.abcc import abcc
from fairkd.fairness.covariance import Covariance, covariance
from fairkd.fairness.mutual_information import mutual_information
from fairkd.fairness.wasserstein import wasserstein
from fairkd.models.features import ModelOutputs


def _random(rows: int = 37, columns: int = 1, groups: int = 3, seed: int = 0):
    """Scores, and soft memberships some of which are zeros."""
    rng = np.random.default_rng(seed)
    cell = np.r_[np.arange(groups), rng.integers(groups, size=rows - groups)]
    shares = rng.dirichlet(np.ones(groups), size=rows)
    shares[::3] = np.eye(groups)[cell[::3]]
    shares[4::9] = 0.0
    return rng.uniform(size=(rows, columns)) ** (1 + cell[:, None]), shares


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("groups", [2, 4])
def test_wasserstein_is_scipys_mean_over_pairs_and_columns(columns, groups):
    scores, shares = _random(37, columns, groups)
    expected = np.mean(
        [
            wasserstein_distance(scores[:, k], scores[:, k], shares[:, g], shares[:, h])
            for k in range(columns)
            for g, h in itertools.combinations(range(groups), 2)
        ]
    )
    found = wasserstein(torch.from_numpy(scores), torch.from_numpy(shares))
    assert float(found) == pytest.approx(expected, rel=1e-12)


def test_wasserstein_of_two_groups_is_the_area_that_the_record_measures():
    scores, _ = _random(50)
    cell = np.arange(50) % 7 // 3  # 22, 21 and 7 rows
    members = torch.eye(3, dtype=torch.float64)[cell][:, :2]  # the last group is missing
    ordered = [np.sort(scores[cell == g, 0]) for g in (0, 1)]
    found = float(wasserstein(torch.from_numpy(scores), members))
    assert found == pytest.approx(abcc([ordered]), rel=1e-12)


def test_wasserstein_known_values_and_gradient():
    s = torch.tensor([[0.1], [0.5], [0.3], [0.8]], dtype=torch.float64, requires_grad=True)
    m = torch.eye(2, dtype=torch.float64)[[0, 0, 1, 1]]
    value = wasserstein(s, m)  # 0.1 goes to 0.3, 0.5 to 0.8
    value.backward()
    assert float(value.detach()) == pytest.approx(0.25, rel=1e-14)
    assert s.grad is not None
    assert s.grad.flatten().tolist() == [-0.5, -0.5, 0.5, 0.5]


@pytest.mark.parametrize("columns", [1, 2])
def test_covariance_is_numpys(columns):
    scores, shares = _random(37, columns)
    shares = np.eye(3)[shares.argmax(1)]
    expected = np.mean(
        [
            abs(np.cov(score, share, bias=True)[0, 1])
            for score, share in itertools.product(scores.T, shares.T)
        ]
    )
    found = covariance(torch.from_numpy(scores), torch.from_numpy(shares))
    assert float(found) == pytest.approx(expected, rel=1e-12)


def test_covariance_of_two_groups_is_their_gap_times_their_shares():
    s = torch.tensor([[0.2], [0.4], [0.9], [0.7], [0.8]], dtype=torch.float64)
    m = torch.eye(2, dtype=torch.float64)[[0, 0, 1, 1, 1]]
    assert float(covariance(s, m)) == pytest.approx(0.4 * 0.6 * 0.5, rel=1e-14)


def test_the_margin_is_the_log_odds_of_a_class_against_the_others():
    logits = torch.randn(20, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    group = torch.eye(2, dtype=torch.float64)[torch.arange(20) % 2]
    batch = Batch(logits, torch.zeros(20).long(), group, torch.arange(20), torch.ones(20))
    blocks = Blocks.of({"sex": ["f", "m"]})
    p = logits.softmax(1)
    for classes in (2, 3):
        p = logits[:, :classes].softmax(1)
        odds = (p / (1 - p)).log()[:, 1 if classes == 2 else 0 :]
        found = Covariance(blocks, of="margin")(ModelOutputs(logits[:, :classes], {}), batch)
        assert float(found) == pytest.approx(float(covariance(odds, group)), rel=1e-10)


def test_information_of_decisions_is_scikit_learns():
    rng = np.random.default_rng(0)
    cell = rng.integers(3, size=80)
    decided = (cell + rng.integers(3, size=80)) // 2
    found = mutual_information(
        torch.eye(3, dtype=torch.float64)[decided], torch.eye(3, dtype=torch.float64)[cell]
    )
    expected = mutual_info_score(decided, cell)
    assert float(found) == pytest.approx(expected, rel=1e-12)
    assert expected > 0.1


def test_information_of_soft_predictions_is_entropy_less_that_within_groups():
    scores, shares = _random(60)
    p = np.c_[scores, 1 - scores]
    members = shares.sum(1)
    overall = (members[:, None] * p).sum(0) / members.sum()
    within = 0.0
    for g in range(3):
        rate = (shares[:, g : g + 1] * p).sum(0) / shares[:, g].sum()
        within += shares[:, g].sum() / members.sum() * entropy(rate)
    found = float(mutual_information(torch.from_numpy(p), torch.from_numpy(shares)))
    assert found == pytest.approx(entropy(overall) - within, rel=1e-10)
    twice = mutual_information(
        torch.from_numpy(np.r_[p, p]), torch.from_numpy(np.r_[shares, shares])
    )
    assert float(twice) == pytest.approx(found, rel=1e-12)  # it does not grow with the batch
