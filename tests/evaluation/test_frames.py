import numpy as np
import pytest
import torch
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import accuracy_score

from fairkd.evaluation.frames import frame_rates
from fairkd.evaluation.rates import recorded_rates
from fairkd.evaluation.record import block_counts


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from([2, 3]).flatmap(
        lambda c: arrays(np.float64, (3, c, c), elements=st.sampled_from([0.0, 0.0, 1.0, 7.0]))
    )
)
def test_fairlearn_and_our_rates_agree_on_any_table(counts):
    ours = recorded_rates(torch.from_numpy(counts))
    theirs = frame_rates(counts)
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        torch.testing.assert_close(theirs[name], values, rtol=1e-14, atol=0, equal_nan=True)


def test_cells_give_the_same_as_a_frame_over_the_rows(make):
    predictions = make(n=500, missing=False)
    found = frame_rates(block_counts(predictions, predictions.blocks["sex"], 0.3).numpy())
    metrics = {
        "accuracy": accuracy_score,
        "selection_rate": selection_rate,
        "true_positive_rate": true_positive_rate,
        "false_positive_rate": false_positive_rate,
    }
    by_row = MetricFrame(
        metrics=metrics,
        y_true=predictions.y,
        y_pred=predictions.predicted(0.3),
        sensitive_features=predictions.memberships["sex"],
    ).by_group
    for name in metrics:
        np.testing.assert_allclose(found[name].numpy().ravel(), by_row[name], rtol=1e-14)


def test_fairlearns_zero_for_a_group_without_positives_becomes_nan():
    counts = np.array([[[4.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]]])
    assert true_positive_rate([0, 0], [0, 1], pos_label=1) == 0  # what would be reported
    rates = frame_rates(counts)["true_positive_rate"]
    assert rates[0].isnan()
    assert rates[1] == 0.5


@pytest.mark.parametrize("counts", [np.zeros((2, 2, 2)), np.zeros((2, 3, 3))])
def test_no_rows_at_all(counts):
    assert all(values.isnan().all() for values in frame_rates(counts).values())
