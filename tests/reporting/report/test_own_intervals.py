import math

import numpy as np
import pytest

from fairkd.reporting.recorded import RecordedJob
from fairkd.reporting.report.own_intervals import with_own_intervals
from fairkd.sweeps.outcome import outcome_of
from fairkd.sweeps.summary import summarise
from fairkd.tracking.reading import TrackedJob


def of(record, confidence=0.95):
    run = TrackedJob("a", "a", "FINISHED", "fairkd", 0, {}, {}, {}, "")
    return RecordedJob(run, {"evaluation": {"confidence": confidence}}, record)


def row_of(*records):
    outcomes = [
        outcome_of(n, "", "one", {}, {"seed": n}, record, "", False)
        for n, record in enumerate(records)
    ]
    return summarise(outcomes).rows[0]


def test_a_single_job_has_its_own_intervals(measured):
    record = measured()
    row = with_own_intervals(row_of(record), of(record))
    accuracy = row.estimates["student", "test", "accuracy"]
    assert (accuracy.low, accuracy.high) == record.trio.evaluations["student"].intervals["accuracy"]
    gap = row.minus_control["disparity"]
    name = "demographic_parity_difference_change_from_control/sex"
    assert (gap.low, gap.high) == record.trio.transfers["sex"].intervals[name]
    assert {accuracy.interval, gap.interval} == {"test rows"}


def test_the_change_in_accuracy_is_that_of_its_rows(measured):
    record = measured()
    change = with_own_intervals(row_of(record), of(record)).minus_control["accuracy"]
    counts = record.trio.transfers["sex"].flips["sex"].counts
    won, lost = (sum(counts[f"{kind}_flips_from_control"]) for kind in ("beneficial", "harmful"))
    n = sum(counts["count"])
    # The variance of a difference of paired shares (Fleiss, Levin and Paik, 2003, chapter 13).
    variance = (won + lost - (won - lost) ** 2 / n) / (n * (n - 1))
    assert change.mean == pytest.approx((won - lost) / n)
    assert change.high - change.mean == pytest.approx(1.959964 * math.sqrt(variance))
    assert change.mean - change.low == pytest.approx(1.959964 * math.sqrt(variance))


def test_the_change_in_accuracy_has_the_confidence_of_the_record(measured):
    record = measured()
    wide, narrow = (
        with_own_intervals(row_of(record), of(record, confidence)).minus_control["accuracy"]
        for confidence in (0.95, 0.8)
    )
    assert narrow.high - narrow.mean == pytest.approx((wide.high - wide.mean) * 1.281552 / 1.959964)


def test_repetitions_keep_theirs(measured):
    records = measured(seed=0), measured(seed=1)
    row = row_of(*records)
    assert with_own_intervals(row, of(records[0])) is row


def test_what_follows_the_student_is_not_compared_with_the_control_row_by_row(measured):
    record = measured(further=("pruned",))
    row = with_own_intervals(row_of(record), of(record))
    assert row.estimates["student", "test", "accuracy"].interval == "test rows"
    assert {change.interval for change in row.minus_control.values()} == {"none"}
    assert not np.isnan(row.minus_control["accuracy"].mean)
