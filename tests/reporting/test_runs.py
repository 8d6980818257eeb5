"""Which tracked runs a command is about."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from fairkd.errors import TrackingError
from fairkd.reporting.runs import found_runs
from fairkd.tracking.interface import JOB_KEY, SWEEP_ID, SWEEP_PARENT
from fairkd.tracking.reading import SUPERSEDED, TrackedJob

Make = Callable[..., TrackedJob]


@dataclass
class Runs:
    """A tracking store of these runs; a query finds all of them."""

    runs: list[TrackedJob]

    def search(self, condition: str = "") -> list[TrackedJob]:
        return self.runs[::-1]

    def run(self, run_id: str) -> TrackedJob:
        return next(run for run in self.runs if run.run_id == run_id)

    def sweep(self, name: str) -> list[TrackedJob]:
        return [run for run in self.runs[::-1] if run.sweep_id == name and run.counts]

    def __getattr__(self, name: str) -> Any:
        raise NotImplementedError(name)


def job(number: int, key: str | None, status: str = "FINISHED", **tags: str) -> TrackedJob:
    named = {"sweep": SWEEP_ID, "parent": SWEEP_PARENT, "superseded": SUPERSEDED}
    found = {named[name]: value for name, value in tags.items()}
    found |= {} if key is None else {JOB_KEY: key}
    return TrackedJob(
        f"run{number}", f"job {number}", status, "fairkd", number, {}, {"a": math.nan}, found, ""
    )


STORE = Runs(
    [
        job(0, None, parent="s"),
        job(1, "k1", "KILLED", sweep="s"),
        job(2, "k1", sweep="s"),
        job(3, "k2", "FAILED", sweep="s"),
        job(4, "k3", sweep="s", superseded="run5"),
        job(5, "k3", sweep="s"),
        job(6, None),
        job(7, "k1", "RUNNING"),
    ]
)


def test_a_query_leaves_out_what_is_done_again_and_names_what_is_not() -> None:
    found = found_runs(STORE, query="a = 1")
    assert [run.run_id for run in found.jobs] == ["run2", "run5"]
    assert [run.run_id for run in found.unfinished] == ["run3", "run7"]
    assert found.others == 1


def test_a_sweeps_jobs_in_the_order_of_their_start() -> None:
    found = found_runs(STORE, sweep="s")
    assert [run.run_id for run in found.jobs] == ["run2", "run5"]
    assert (found.unfinished, found.others) == ((), 0)


def test_one_run_must_count() -> None:
    assert found_runs(STORE, run="run2").jobs[0].run_id == "run2"
    for number, sentence in {
        0: r"run=run0 \(job 0\) is a sweep's own run, .*; give it as sweep=run0",
        3: r"run=run3 \(job 3\) is FAILED, and only a finished run has results",
        4: r"run=run4 \(job 4\) is superseded",
        6: r"run=run6 \(job 6\) is not a run of fairkd",
        7: r"run=run7 \(job 7\) is RUNNING, and only a finished run has results",
    }.items():
        with pytest.raises(TrackingError, match=sentence):
            found_runs(STORE, run=f"run{number}")


def test_a_query_without_a_finished_job_says_what_it_finds() -> None:
    runs = Runs([job(3, "k2", "FAILED"), job(6, None)])
    sentence = (
        r"query=x finds no finished run of a job; of jobs that are not finished it finds job 3 "
        r"\(FAILED\); runs of others that it finds: 1\. Write it like"
    )
    with pytest.raises(TrackingError, match=sentence):
        found_runs(runs, query="x")
    with pytest.raises(TrackingError, match=r"query=x finds no finished run of a job\. Write"):
        found_runs(Runs([]), query="x")
