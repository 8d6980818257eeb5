import math

import numpy as np
import pytest
from scipy import stats

from fairkd.sweeps.estimate import over_repetitions

nan = math.nan


def test_known_values_by_hand():
    # Mean 2, deviations -1, 0, 1: sd 1; t of two degrees of freedom at 0.975 is 4.302653.
    found = over_repetitions([1.0, 2.0, 3.0], 0.95)
    assert (found.mean, found.sd) == (2.0, 1.0)
    assert found.half_width == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert (found.interval, found.defined, found.of) == ("repetitions", 3, 3)


@pytest.mark.parametrize("n", [2, 5, 30])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_intervals_equal_scipys(n, confidence):
    values = np.random.default_rng(n).normal(0.8, 0.02, n)
    expected = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    found = over_repetitions(values.tolist(), confidence)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)


def test_undefined_repetitions_are_counted_and_not_averaged():
    found = over_repetitions([nan, 1.0, 3.0], 0.95)
    assert (found.mean, found.defined, found.of) == (2.0, 2, 3)
    none = over_repetitions([nan, nan], 0.95)
    assert math.isnan(none.mean)
    assert (none.interval, none.defined, none.of) == ("none", 0, 2)


def test_one_value_has_no_spread():
    found = over_repetitions([0.5], 0.95)
    assert found.mean == 0.5
    assert all(map(math.isnan, (found.sd, found.low, found.high, found.half_width)))
    assert found.interval == "none"


def test_a_single_jobs_own_interval_says_what_it_is():
    found = over_repetitions([0.5], 0.95).with_rows_interval(0.4, 0.7)
    assert (found.low, found.high, found.interval) == (0.4, 0.7, "test rows")
    assert math.isnan(found.half_width)


def test_an_own_interval_stands_for_nothing_else():
    single = over_repetitions([0.5], 0.95)
    assert single.with_rows_interval(nan, nan).interval == "none"
    several = over_repetitions([0.5, nan], 0.95)
    assert several.with_rows_interval(0.4, 0.7) is several


def test_the_order_of_values_does_not_change_a_bit():
    values = (np.random.default_rng(0).random(50) * 10.0 ** np.arange(-25, 25)).tolist()
    assert over_repetitions(values, 0.95) == over_repetitions(values[::-1], 0.95)


def test_equal_values_have_an_interval_of_one_point():
    found = over_repetitions([0.1, 0.1, 0.1], 0.95)
    assert (found.low, found.mean, found.high, found.sd) == (0.1, 0.1, 0.1, 0.0)
