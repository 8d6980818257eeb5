import math

import pytest

from fairkd.sweeps.estimate import Estimate
from fairkd.sweeps.numbers import half, interval, number, with_ends, with_half, with_interval

NAN = math.nan
REPEATED = Estimate(-0.0061, 0.01, -0.0124, 0.0004, "repetitions", 3, 4)
OWN = Estimate(0.031, NAN, 0.01, 0.052, "test rows", 1, 1)
NOTHING = Estimate(NAN, NAN, NAN, NAN, "none", 0, 2)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ((-0.0001,), "0.000"),
        ((NAN,), "undefined"),
        ((NAN, 1, True), "undefined"),
        ((0.0042, 3, True), "+0.004"),
        ((-0.0001, 3, True), "+0.000"),
        ((-0.64, 1), "-0.6"),
    ],
)
def test_a_number(given, text):
    assert number(*given) == text


def test_an_interval_is_there_or_is_not():
    assert interval((-0.0001, 0.25)) == " [0.000, 0.250]"
    assert interval((0.01, 0.052), 1, " over test rows") == " [0.0, 0.1 over test rows]"
    assert [interval(ends) for ends in (None, (NAN, 1.0), (0.0, NAN))] == ["", "", ""]


def test_what_is_undefined_has_no_interval():
    assert with_ends(NAN, (0.1, 0.2)) == "undefined"
    assert with_ends(0.15, (0.1, 0.2)) == "0.150 [0.100, 0.200]"
    assert with_interval(NOTHING) == with_half(NOTHING) == "undefined"


def test_an_estimate_with_its_interval_and_what_it_is_defined_in():
    assert with_interval(REPEATED, signed=True) == "-0.006 [-0.012, 0.000] (defined in 3 of 4)"
    in_points = with_interval(REPEATED.times(100), 1, signed=True, unit=" points")
    assert in_points == "-0.6 points [-1.2, 0.0] (defined in 3 of 4)"
    assert with_interval(OWN) == "0.031 [0.010, 0.052]"


def test_half_of_an_interval_is_of_repetitions_alone():
    assert with_half(REPEATED) == "-0.006 ± 0.006"
    assert with_half(OWN) == "0.031 [0.010, 0.052]"
    assert half(OWN) == ""
