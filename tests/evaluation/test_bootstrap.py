import fairlearn.metrics as fm
import numpy as np
import pytest
import torch

from fairkd.evaluation.bootstrap import bootstrap
from fairkd.evaluation.decided import block_counts
from fairkd.evaluation.disparities import disparities
from fairkd.evaluation.rates import recorded_rates
from fairkd.evaluation.row_draws import RowDraws


@pytest.mark.parametrize("kept", [0, 2**26])
def test_bootstrap_is_repeatable_and_independent_of_its_portions(monkeypatch, kept):
    cells = np.array([[[3.0, 4], [5, 6]], [[2, 1], [1, 9]]])

    def run():
        return bootstrap(cells[None], recorded_rates, RowDraws(31, 50, 7), 0.95)

    monkeypatch.setattr("fairkd.evaluation.row_draws._BYTES_KEPT", kept)
    whole = run()
    monkeypatch.setattr("fairkd.evaluation.row_draws._CELLS_AT_ONCE", 8 * 7)
    for name, (values, intervals) in run().items():
        np.testing.assert_array_equal(values, whole[name].values)
        np.testing.assert_array_equal(intervals, whole[name].intervals)


def _intervals(table, statistics, drawn, confidence):
    found = bootstrap(table[None], statistics, drawn, confidence)
    return {name: intervals.of(0) for name, (_, intervals) in found.items()}


def test_a_table_is_read_alike_beside_others():
    tables = np.array([[[[3.0, 4], [5, 6]]], [[[9, 0], [0, 9]]]])
    drawn = RowDraws(18, 40, 0)
    together = bootstrap(tables, recorded_rates, drawn, 0.9)
    for k in range(2):
        for name, (values, intervals) in bootstrap(
            tables[k : k + 1], recorded_rates, drawn, 0.9
        ).items():
            np.testing.assert_array_equal(values[0], together[name].values[k])
            np.testing.assert_array_equal(intervals.of(0), together[name].intervals.of(k))


def test_the_values_are_those_of_the_observed_table():
    tables = np.array([[[[3.0, 4], [5, 6]]]])
    expected = recorded_rates(torch.from_numpy(tables))
    for name, (values, _) in bootstrap(tables, recorded_rates, RowDraws(18, 9, 0), 0.9).items():
        np.testing.assert_array_equal(values, expected[name])


def test_a_rates_interval_is_near_the_binomial_one():
    cells = np.array([[[600.0, 200], [50, 150]]])
    found = _intervals(cells, recorded_rates, RowDraws(1000, 20_000, 0), 0.95)["accuracy"]
    reach = 1.96 * np.sqrt(0.75 * 0.25 / 1000)
    assert (found.low[0], found.high[0]) == pytest.approx((0.75 - reach, 0.75 + reach), abs=2e-3)


def test_empty_tables_are_undefined_in_every_draw():
    found = _intervals(np.zeros((2, 2, 2)), recorded_rates, RowDraws(9, 20, 0), 0.95)
    assert all(np.isnan(values.low).all() for values in found.values())
    assert (found["accuracy"].undefined == 1).all()


@pytest.mark.slow
def test_intervals_agree_with_fairlearns_own_bootstrap(make):
    predictions = make(n=600, missing=False, cells=2)
    frame = fm.MetricFrame(
        metrics=fm.selection_rate,
        y_true=predictions.y,
        y_pred=predictions.predicted(0.5),
        sensitive_features=predictions.memberships["sex"],
        n_boot=600,
        ci_quantiles=[0.05, 0.95],
        random_state=0,
    )
    counts = block_counts(
        predictions.truth, predictions.blocks["sex"], predictions.predicted(0.5)
    ).numpy()

    def statistics(drawn: torch.Tensor) -> dict[str, torch.Tensor]:
        rates = recorded_rates(drawn)
        return {**rates, **disparities(rates, 0)}

    ours = _intervals(counts, statistics, RowDraws(600, 20_000, 0), 0.9)
    # The standard error of a 5% quantile over 600 normal draws is 0.086 of their spread.
    for bound, theirs in zip(("low", "high"), frame.by_group_ci, strict=True):
        rate = getattr(ours["selection_rate"], bound)[:, 0]
        np.testing.assert_allclose(rate, theirs, atol=3.5 * 0.086 * 0.03)
    gap = ours["demographic_parity_difference"]
    theirs = frame.difference_ci()
    assert [float(gap.low), float(gap.high)] == pytest.approx(theirs, abs=3.5 * 0.086 * 0.04)
