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
        return [run for run in self.runs[::-1] if run.sweep_id == name and not run.is_sweep]

    def parents(self, sweep_id: str) -> list[TrackedJob]:
        return [run for run in self.runs[::-1] if run.sweep_id == sweep_id and run.is_sweep]

    def __getattr__(self, name: str) -> Any:
        raise NotImplementedError(name)


def job(
    number: int, key: str | None, status: str = "FINISHED", failed: float = 0, **tags: str
) -> TrackedJob:
    named = {"sweep": SWEEP_ID, "parent": SWEEP_PARENT, "superseded": SUPERSEDED}
    found = {named[name]: value for name, value in tags.items()}
    found |= {} if key is None else {JOB_KEY: key}
    return TrackedJob(
        *(f"run{number}", f"job {number}", status, "fairkd", number, {}),
        *({"a": math.nan, "sweep/failed": failed}, found, ""),
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
    # The job of run 7, which is running in no sweep, has a finished run.
    assert [run.run_id for run in found.unfinished] == ["run3"]
    assert (found.others, found.repeated, found.sweep) == (1, 0, None)
    assert found.missing == "1 job has no finished run: job 3 (FAILED)"


def test_a_sweeps_jobs_in_the_order_of_their_start() -> None:
    found = found_runs(STORE, sweep="s")
    assert [run.run_id for run in found.jobs] == ["run2", "run5"]
    assert [run.run_id for run in found.unfinished] == ["run3"]
    assert found.sweep is not None
    assert (found.sweep.run_id, found.others) == ("run0", 0)


def test_what_is_missing_of_a_sweep() -> None:
    def missing(*runs: TrackedJob) -> str:
        return found_runs(Runs([*runs, job(9, "k9", sweep="s")]), sweep="s").missing

    running = [job(n, f"k{n}", "RUNNING", sweep="s") for n in range(7)]
    assert missing() == missing(job(0, None, parent="s")) == ""
    assert missing(*running) == (
        "7 jobs have no finished run: job 0 (RUNNING), job 1 (RUNNING), job 2 (RUNNING), "
        "job 3 (RUNNING), job 4 (RUNNING) and 2 more"
    )
    # Refused jobs have no run.
    assert missing(job(0, None, parent="s", failed=3)) == "3 of its jobs failed or were refused"
    # Neither have those that were not begun.
    assert missing(job(0, None, "KILLED", parent="s")) == "the sweep itself is KILLED"
    again = [job(1, "k1", "FAILED", sweep="s"), job(2, "k1", "KILLED", sweep="s")]
    assert missing(job(0, None, parent="s", failed=1), *again) == (
        "1 job has no finished run: job 2 (KILLED)"
    )


def test_a_job_counts_once_by_its_newest_run() -> None:
    twice = Runs(
        [
            *(job(n, f"k{n}", sweep="s") for n in range(2)),
            *(job(10 + n, f"k{n}", sweep="s") for n in range(2)),
            job(20, "k1", sweep="t"),
        ]
    )
    found = found_runs(twice, sweep="s")
    assert ([run.run_id for run in found.jobs], found.repeated) == (["run10", "run11"], 2)
    found = found_runs(twice, query="x")
    assert ([run.run_id for run in found.jobs], found.repeated) == (["run10", "run20"], 3)


def test_a_sweep_without_a_finished_job_is_refused() -> None:
    with pytest.raises(TrackingError, match=r"No job of sweep s is finished; run the sweep again"):
        found_runs(Runs([job(1, "k1", "FAILED", sweep="s")]), sweep="s")


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
