from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import softmax

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.errors import DataError
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.truth import Truth

BLOCKS = Blocks.of({"sex": ["F", "M"], "race": ["a", "b", "c"]})


def _batch(y: torch.Tensor) -> Batch:
    group = torch.tensor([[1.0, 0, 0, 0, 1], [0, 1, 1, 0, 0], [0, 0, 0, 1, 0], [0.4, 0.6, 0, 0, 0]])
    return Batch(torch.zeros(4, 2), y, group, torch.arange(4), torch.ones(4))


def test_from_logits_reads_certain_cells_only():
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    batch = _batch(torch.tensor([2, 0, 1, 1]))
    found = Predictions.from_logits(logits, Truth.of(batch, BLOCKS, ("x", "y", "z")))
    expected = softmax(logits.detach().numpy().astype(np.float64), axis=1)
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-14)
    assert found.probabilities.dtype == np.float64
    assert found.y.tolist() == [2, 0, 1, 1]
    assert found.memberships["sex"].tolist() == [0, 1, -1, -1]
    assert found.memberships["race"].tolist() == [2, 0, 1, -1]


def test_a_corrected_membership_is_not_a_certain_one():
    batch = _batch(torch.tensor([0, 1, 0, 1]))
    batch.group[0] = torch.tensor([4 / 3, -1 / 3, 0, 0, 1])
    found = Truth.of(batch, BLOCKS, ("no", "yes"))
    assert found.memberships["sex"].tolist() == [-1, 1, -1, -1]
    assert found.memberships["race"].tolist() == [2, 0, 1, -1]


def test_soft_labels_become_their_most_likely_class():
    y = torch.tensor([[0.2, 0.8], [1, 0], [0.6, 0.4], [0, 1]])
    found = Truth.of(_batch(y), BLOCKS, ("no", "yes"))
    assert found.y.tolist() == [1, 0, 0, 1]


def test_a_tie_is_positive_and_many_classes_take_the_first_maximum(make):
    two = make(n=3)
    two = replace(two, probabilities=np.array([[0.5, 0.5], [0.6, 0.4], [0.2, 0.8]]))
    assert two.predicted(0.5).tolist() == [1, 0, 1]
    assert two.predicted(0.8).tolist() == [0, 0, 1]
    three = make(n=2, classes=3)
    three = replace(three, probabilities=np.array([[0.4, 0.4, 0.2], [0.1, 0.2, 0.7]]))
    assert three.predicted(0.99).tolist() == [0, 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.array([0, 1, 2, 0])}, "labels go from 0 to 2; accepted: 0 to 1"),
        ({"y": np.array([0, 1])}, "needs one cell for each of 2 rows"),
        ({"classes": ("a", "b", "c")}, "do not fit 3 classes"),
        ({"memberships": {}}, "'sex' needs one cell"),
        ({"memberships": {"sex": np.array([0, 1, -1, 3])}}, "go from -1 to 3; accepted: -1 to 2"),
    ],
)
def test_a_truth_that_does_not_fit_is_refused(make, with_truth, change, message):
    with pytest.raises(DataError, match=message):
        with_truth(make(n=4), **change)


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        (np.full((4, 2), np.nan), "not finite for 4 of 4 rows"),
        (np.full((3, 2), 0.5), "labels of shape"),
    ],
)
def test_probabilities_that_do_not_fit_are_refused(make, probabilities, message):
    with pytest.raises(DataError, match=message):
        replace(make(n=4), probabilities=probabilities)


def test_the_rows_are_in_order_within_every_cell(make):
    predictions = make(n=50, classes=3)
    for k, order in predictions.ascending.items():
        assert sorted(order) == list(range(50))
        assert (np.diff(predictions.probabilities[order, k]) >= 0).all()
    for g in range(3):
        for k, order in predictions.ascending_in("sex", g).items():
            rows = np.flatnonzero(predictions.memberships["sex"] == g)
            assert sorted(order) == sorted(rows)
            assert (np.diff(predictions.probabilities[order, k]) >= 0).all()


def test_no_rows_are_refused(make):
    with pytest.raises(DataError, match="no row to evaluate"):
        make(n=4).rows(np.zeros(4, dtype=bool))


def test_decisions_of_its_own_know_no_threshold(make):
    predictions = make(n=50)
    decisions = np.random.default_rng(1).integers(0, 2, 50)
    own = replace(predictions, decisions=decisions)
    for threshold in (0.0, 0.5, 1.0):
        np.testing.assert_array_equal(own.predicted(threshold), decisions)
    chosen = np.arange(50) % 3 == 0
    np.testing.assert_array_equal(own.rows(chosen).predicted(0.5), decisions[chosen])
    with pytest.raises(DataError, match="Decisions of shape \\(49,\\) do not fit 50 rows"):
        replace(predictions, decisions=decisions[:49])
