"""One student of several jobs, for every command that takes one."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fairkd.errors import DataError
from fairkd.reporting.chosen import selected, within_what_was_asked
from fairkd.reporting.recorded import RecordedJob, outcomes_of
from fairkd.reporting.report.comparison import compared
from fairkd.sweeps.summary import summarise
from fairkd.tracking.interface import JOB_KEY
from fairkd.tracking.reading import CONFIGURATION_KEY, TrackedJob

GAP = "demographic_parity_difference/sex"
Jobs = Callable[..., list[RecordedJob]]


@pytest.fixture
def jobs(measured: Callable[..., Any], configured: Callable[..., Any]) -> Jobs:
    """One job for each (accuracy, gap) of its student on validation, with weights from 0."""

    def build(*on_validation: tuple[float, float], threshold: float = 0.05) -> list[RecordedJob]:
        found = []
        for weight, (accuracy, gap) in enumerate(on_validation):
            record = measured(threshold=threshold)
            validation = {**record.trio.validation, "student": {"accuracy": accuracy, GAP: gap}}
            record = replace(record, trio=replace(record.trio, validation=validation))
            tags = {JOB_KEY: f"k{weight}", CONFIGURATION_KEY: f"w{weight}"}
            name = f"run{weight}"
            run = TrackedJob(name, name, "FINISHED", "fairkd", weight, {}, {}, tags, "")
            found.append(RecordedJob(run, configured(weight=weight), record))
        return found

    return build


def test_it_is_the_most_accurate_within_the_jobs_own_bound(jobs: Jobs) -> None:
    """And not the first of the sweep's order, which has the largest accuracy minus gap."""
    several = jobs((0.95, 0.2), (0.86, 0.04), (0.85, 0.01))
    assert summarise(outcomes_of(several)).rows[0].varied == {"constraint.weight": 2}
    found = selected(several)
    assert (found.job.run.run_id, found.label) == ("run1", "w=1")
    assert found.how == "the most accurate whose gap is within 0.05 (w=1)"
    assert found.threshold.source == "The threshold of 0.05 is the one of the jobs' bounds."
    assert selected(several, 0.01).job.run.run_id == "run2"
    wider = jobs((0.95, 0.2), (0.86, 0.04), (0.85, 0.01), threshold=0.2)
    assert selected(wider).job.run.run_id == "run0"


@pytest.mark.parametrize("threshold", [0.2, 0.05, 0.001])
def test_a_report_chooses_the_same(jobs: Jobs, threshold: float) -> None:
    several = jobs((0.95, 0.2), (0.86, 0.04), (0.85, 0.01), threshold=threshold)
    rows = summarise(outcomes_of(several)).rows
    report = compared(rows, [""] * 3, threshold, ())
    found = selected(several)
    assert report.job is not None
    assert found.job.run.run_id == report.job.run_id
    assert found.chosen.is_within == (report.chosen is not None)


def test_where_none_is_within_the_closest_is_named(jobs: Jobs) -> None:
    several = jobs((0.95, 0.2), (0.86, 0.07), threshold=0.0)
    found = selected(several)
    assert found.how == "the closest (w=1), with a gap of 0.070, for none is within 0.05"
    assert "no job bounds this gap by a threshold above 0" in found.threshold.source
    assert within_what_was_asked(found, None) is found
    with pytest.raises(DataError) as error:
        within_what_was_asked(selected(several, 0.06), 0.06)
    assert str(error.value) == (
        "No configuration has a gap (demographic_parity_difference by sex) within threshold=0.06 "
        "on validation: the closest (w=1), with a gap of 0.070, for none is within 0.06; raise "
        "threshold, or sweep larger constraint weights."
    )


def test_undefined_numbers_choose_nothing(jobs: Jobs) -> None:
    with pytest.raises(DataError, match="No configuration has a defined accuracy and gap"):
        selected(jobs((0.9, float("nan"))))
