import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, precision_score, recall_score

from fairkd.evaluation import rates
from fairkd.evaluation.decided import block_counts


@pytest.mark.parametrize("classes", [2, 4])
def test_every_rate_equals_scikit_learn_per_group(make, classes):
    predictions = make(n=300, classes=classes)
    counts = block_counts(predictions.truth, predictions.blocks["sex"], predictions.predicted(0.5))
    predicted = predictions.predicted(0.5)
    for g in range(3):
        rows = predictions.memberships["sex"] == g
        y, p = predictions.y[rows], predicted[rows]
        assert rates.accuracy(counts)[g] == accuracy_score(y, p)
        labels = list(range(classes))
        recall = recall_score(y, p, labels=labels, average=None)
        precision = precision_score(y, p, labels=labels, average=None)
        np.testing.assert_allclose(rates.true_positive_rate(counts)[g], recall, rtol=1e-14)
        np.testing.assert_allclose(rates.precision(counts)[g], precision, rtol=1e-14)
        for k in labels:
            tn, fp, fn, tp = confusion_matrix(y == k, p == k, labels=[False, True]).ravel()
            assert rates.selection_rate(counts)[g, k] == (tp + fp) / len(y)
            assert rates.false_positive_rate(counts)[g, k] == fp / (fp + tn)
            assert rates.true_negative_rate(counts)[g, k] == tn / (fp + tn)
            assert rates.false_negative_rate(counts)[g, k] == fn / (fn + tp)


def test_rates_without_a_denominator_are_nan():
    # one group without positives and never selected, one without rows
    counts = torch.tensor([[[5, 0], [0, 0]], [[0, 0], [0, 0]]]).double()
    found = rates.recorded_rates(counts)
    assert found["accuracy"][0] == 1
    assert found["selection_rate"][0, 0] == 0
    assert found["false_positive_rate"][0, 0] == 0
    assert found["true_positive_rate"].isnan().all()
    assert found["precision"].isnan().all()
    assert all(values[1].isnan().all() for values in found.values())


def test_draws_are_read_like_single_tables():
    counts = torch.randint(1, 9, (5, 3, 3, 3), generator=torch.Generator().manual_seed(0)).double()
    together = rates.recorded_rates(counts)
    for d in range(5):
        alone = rates.recorded_rates(counts[d])
        assert all(torch.equal(together[name][d], alone[name]) for name in alone)
