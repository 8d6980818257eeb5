import fairlearn.metrics as fm
import numpy as np
import pytest
import torch

from fairkd.evaluation.disparities import disparities
from fairkd.evaluation.intervals import (
    bootstrap,
    mean_interval,
    normal_interval,
    percentile,
    resample,
)
from fairkd.evaluation.rates import recorded_rates
from fairkd.evaluation.record import block_counts


def test_replicates_keep_the_total_and_the_cells_moments():
    cells = np.array([[30.0, 0.0], [50.0, 20.0]])
    drawn = resample(cells, 20_000, np.random.default_rng(0))
    assert drawn.shape == (20_000, 2, 2)
    assert (drawn.sum((1, 2)) == 100).all()
    assert (drawn[:, 0, 1] == 0).all()
    np.testing.assert_allclose(drawn.mean(0), cells, atol=0.2)
    np.testing.assert_allclose(drawn.var(0), cells * (1 - cells / 100), rtol=0.05)


def test_percentile_equals_numpys_over_defined_draws():
    values = np.random.default_rng(0).normal(size=(101, 3, 2))
    values[:40, 1, 1] = np.nan
    values[:60, 2, 0] = np.nan
    found = percentile(values, 0.9)
    expected = np.nanquantile(values, [0.05, 0.95], axis=0)
    expected[:, 2, 0] = np.nan  # most draws undefined
    np.testing.assert_allclose([found.low, found.high], expected, rtol=1e-12)
    assert found.undefined[1, 1] == pytest.approx(40 / 101)
    assert found.at((0, 1)).undefined == 0


def test_bootstrap_is_repeatable_and_independent_of_its_chunks(monkeypatch):
    cells = np.array([[[3.0, 4], [5, 6]], [[2, 1], [1, 9]]])

    def run():
        return bootstrap(cells, recorded_rates, 50, 0.95, np.random.default_rng(7))

    whole = run()
    monkeypatch.setattr("fairkd.evaluation.intervals._CELLS_AT_ONCE", 8 * 7)
    for name, found in run().items():
        np.testing.assert_array_equal(found.low, whole[name].low)
        np.testing.assert_array_equal(found.high, whole[name].high)


def test_a_rates_interval_is_near_the_binomial_one():
    cells = np.array([[[600.0, 200], [50, 150]]])
    found = bootstrap(cells, recorded_rates, 20_000, 0.95, np.random.default_rng(0))["accuracy"]
    reach = 1.96 * np.sqrt(0.75 * 0.25 / 1000)
    assert (found.low[0], found.high[0]) == pytest.approx((0.75 - reach, 0.75 + reach), abs=2e-3)


def test_normal_intervals():
    assert normal_interval(1.0, 4.0, 0.95)[:2] == pytest.approx((1 - 3.91993, 1 + 3.91993), 1e-5)
    assert np.isnan(normal_interval(1.0, np.nan, 0.95).low)
    assert np.isnan(mean_interval(np.array([3.0]), 0.95).low)
    low, high, _ = mean_interval(np.array([1.0, 3.0]), 0.95)
    assert (low, high) == pytest.approx((2 - 1.959964, 2 + 1.959964), rel=1e-6)


def test_empty_tables_are_undefined_in_every_draw():
    found = bootstrap(np.zeros((2, 2, 2)), recorded_rates, 20, 0.95, np.random.default_rng(0))
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
    counts = block_counts(predictions, predictions.blocks["sex"], 0.5).numpy()

    def statistics(drawn: torch.Tensor) -> dict[str, torch.Tensor]:
        rates = recorded_rates(drawn)
        return {**rates, **disparities(rates, 0)}

    ours = bootstrap(counts, statistics, 20_000, 0.9, np.random.default_rng(0))
    # The standard error of a 5% quantile over 600 normal draws is 0.086 of their spread.
    for bound, theirs in zip(("low", "high"), frame.by_group_ci, strict=True):
        rate = getattr(ours["selection_rate"], bound)[:, 0]
        np.testing.assert_allclose(rate, theirs, atol=3.5 * 0.086 * 0.03)
    gap = ours["demographic_parity_difference"]
    theirs = frame.difference_ci()
    assert [float(gap.low), float(gap.high)] == pytest.approx(theirs, abs=3.5 * 0.086 * 0.04)
