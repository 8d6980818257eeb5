from dataclasses import replace

import pytest

from fairkd.reporting.threshold import threshold_of


def test_what_is_asked_for_comes_first(measured):
    found = threshold_of([measured(threshold=0.1)], 0.02)
    assert found == (0.02, "The threshold of 0.02 was asked for.")


def test_the_one_of_all_jobs(measured):
    found = threshold_of([measured(threshold=0.1), measured(seed=1, threshold=0.1)], None)
    assert found == (0.1, "The threshold of 0.1 is the one of the jobs' bounds.")


@pytest.mark.parametrize(
    ("thresholds", "reason"),
    [
        ((0.02, 0.1), "the jobs' bounds have several thresholds (0.02, 0.1)"),
        ((0.0,), "no job bounds this gap by a threshold above 0"),
    ],
)
def test_otherwise_the_usual_one_and_why(measured, thresholds, reason):
    found = threshold_of([measured(threshold=one) for one in thresholds], None)
    assert found.value == 0.05
    assert reason in found.source


def test_a_bound_on_another_gap_says_nothing_of_this_one(measured):
    record = measured(threshold=0.1)
    other = replace(record, bounds={"other": replace(record.bounds["penalty"], block="race")})
    assert threshold_of([other], None).value == 0.05
