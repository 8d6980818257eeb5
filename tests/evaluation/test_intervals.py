import numpy as np
import pytest

from fairkd.evaluation.intervals import mean_interval, normal_interval, percentile, resample


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


def test_normal_intervals():
    assert normal_interval(1.0, 4.0, 0.95)[:2] == pytest.approx((1 - 3.91993, 1 + 3.91993), 1e-5)
    assert np.isnan(normal_interval(1.0, np.nan, 0.95).low)
    assert np.isnan(mean_interval(np.array([3.0]), 0.95).low)
    low, high, _ = mean_interval(np.array([1.0, 3.0]), 0.95)
    assert (low, high) == pytest.approx((2 - 1.959964, 2 + 1.959964), rel=1e-6)
