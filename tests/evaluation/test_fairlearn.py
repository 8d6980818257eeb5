"""The record's rates are Fairlearn's, but for rates that nothing can be divided by."""

import fairlearn.metrics as fm
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import accuracy_score, precision_score

from fairkd.evaluation.evaluate import evaluate
from fairkd.evaluation.rates import recorded_rates, reported
from fairkd.evaluation.settings import EvaluationSettings


def _of_class(rate, **keywords):
    return lambda y, decided: rate(y, decided, pos_label=1, **keywords)


RATES = {
    "selection_rate": _of_class(fm.selection_rate),
    "true_positive_rate": _of_class(fm.true_positive_rate),
    "false_positive_rate": _of_class(fm.false_positive_rate),
    "precision": _of_class(precision_score, zero_division=np.nan),
}


def _frame(metrics, y, decided, group):
    return fm.MetricFrame(
        metrics=metrics,
        y_true=np.asarray(y, dtype=int),
        y_pred=np.asarray(decided, dtype=int),
        sensitive_features=pd.Series(group),
    ).by_group


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from([2, 3]).flatmap(
        lambda c: arrays(np.int64, (3, c, c), elements=st.sampled_from([0, 0, 1, 7]))
    )
)
def test_rates_of_any_table_are_those_of_a_frame_over_its_rows(counts):
    group, y, decided = np.repeat(np.argwhere(counts >= 0), counts.ravel(), axis=0).T
    ours = recorded_rates(torch.from_numpy(counts).double())
    assert ours["accuracy"].isnan().tolist() == (counts.sum((1, 2)) == 0).tolist()
    if not len(y):
        return
    accuracy = _frame({"accuracy": accuracy_score}, y, decided, group)["accuracy"]
    for g, value in accuracy.items():
        assert float(ours["accuracy"][g]) == pytest.approx(value, rel=1e-14)
    for place, k in enumerate(reported(counts.shape[-1])):
        frame = _frame(RATES, y == k, decided == k, group)
        for g, row in frame.iterrows():
            positives, n = counts[g, k].sum(), counts[g].sum()
            # Fairlearn has 0 for a rate of no rows.
            undefined = {
                "true_positive_rate": positives == 0,
                "false_positive_rate": positives == n,
            }
            for name in RATES:
                expected = np.nan if undefined.get(name, False) else row[name]
                found = float(ours[name][g, place])
                assert found == pytest.approx(expected, rel=1e-14, nan_ok=True), name


def test_fairlearn_has_zero_for_a_group_without_positives():
    assert fm.true_positive_rate([0, 0], [0, 1], pos_label=1) == 0


def test_the_recorded_numbers_are_those_of_a_frame(make):
    predictions = make(n=500, missing=False)
    found = evaluate(predictions, EvaluationSettings(threshold=0.3, draws=10)).metrics
    decided, group = predictions.predicted(0.3), predictions.memberships["sex"]
    frame = _frame({"accuracy": accuracy_score, **RATES}, predictions.y, decided, group)
    for g, row in frame.iterrows():
        for name, value in row.items():
            assert found[f"{name}/sex.cell {g}"] == pytest.approx(value, rel=1e-13)
    common = {"sensitive_features": group}
    for name, oracle in (
        ("demographic_parity_difference", fm.demographic_parity_difference),
        ("demographic_parity_ratio", fm.demographic_parity_ratio),
        ("equalized_odds_difference", fm.equalized_odds_difference),
        ("equalized_odds_ratio", fm.equalized_odds_ratio),
        ("equal_opportunity_difference", fm.equal_opportunity_difference),
    ):
        expected = oracle(predictions.y, decided, **common)
        assert found[f"{name}/sex"] == pytest.approx(expected, rel=1e-13), name
