"""Which tracked runs a command is about: one, a sweep's, or those that a query finds."""

from collections.abc import Iterable
from dataclasses import dataclass

from fairkd.errors import TrackingError
from fairkd.tracking.reading import SUPERSEDED, SWEEP_FAILED, Reading, TrackedJob

_SHOWN = 5


@dataclass(frozen=True)
class FoundRuns:
    """The runs of jobs that were asked for.

    Attributes:
        jobs: those that count (finished, and no later run of the same job took their place), one a
            job, in the order in which they were started; at least one.
        unfinished: of each job that has none that counts, the newest run: still running, failed or
            killed.
        others: how many runs are neither a job's nor a sweep's own; nothing is known of them.
        repeated: how many older runs of the same jobs are left out: of other experiments, or of
            other sweeps where a query finds several.
        sweep: the sweep's own run where a sweep was asked for and it has one.
    """

    jobs: tuple[TrackedJob, ...]
    unfinished: tuple[TrackedJob, ...] = ()
    others: int = 0
    repeated: int = 0
    sweep: TrackedJob | None = None

    @property
    def missing(self) -> str:
        """What has no results though it was asked for; empty where nothing is known to be missing.

        Jobs that were refused, and those that a sweep had not begun yet, have no run: of them only
        the sweep's own run tells.
        """
        parts = []
        if self.unfinished:
            names = ", ".join(f"{run.name} ({run.status})" for run in self.unfinished[:_SHOWN])
            more = len(self.unfinished) - _SHOWN
            and_more = f" and {more:,} more" if more > 0 else ""
            parts.append(f"{_jobs(len(self.unfinished))} no finished run: {names}{and_more}")
        if self.sweep is not None:
            failed = int(self.sweep.metrics.get(SWEEP_FAILED, 0.0))
            if self.sweep.status != "FINISHED":
                parts.append(f"the sweep itself is {self.sweep.status}")
            elif failed > len(self.unfinished):
                parts.append(f"{failed:,} of its jobs failed or were refused")
        return "; ".join(parts)


def found_runs(
    reading: Reading, *, run: str | None = None, sweep: str | None = None, query: str | None = None
) -> FoundRuns:
    """The runs that exactly one of the three words means.

    Args:
        reading: the tracking store.
        run: a run's id, or the beginning of it.
        sweep: a sweep's id, or its own run's id or name.
        query: a condition in MLflow's words.

    Raises:
        TrackingError: nothing of the kind is there, or the one run has no results that count.
    """
    if run is not None:
        return FoundRuns((_counting(reading.run(run)),))
    if sweep is not None:
        return _of_sweep(reading, sweep)
    return _of_query(reading.search(query or ""), query or "")


def _of_sweep(reading: Reading, name: str) -> FoundRuns:
    runs = reading.sweep(name)
    jobs, unfinished, repeated = _by_job(runs)
    if not jobs:
        raise TrackingError(f"No job of sweep {name} is finished; run the sweep again.")
    own = reading.parents(str(jobs[0].sweep_id))
    return FoundRuns(tuple(jobs), tuple(unfinished), 0, repeated, own[0] if own else None)


def _counting(run: TrackedJob) -> TrackedJob:
    """The run itself, if it counts."""
    if run.counts:
        return run
    told = f"run={run.run_id} ({run.name})"
    if run.is_sweep:
        raise TrackingError(
            f"{told} is a sweep's own run, without results of its own; give it as "
            f"sweep={run.run_id}, or the run of one of its jobs."
        )
    if run.is_of_data:
        raise TrackingError(f"{told} describes a data set; give the run of one of its jobs.")
    if run.job_key is None:
        raise TrackingError(f"{told} is not a run of fairkd; give the run of one of its jobs.")
    if SUPERSEDED in run.tags:
        raise TrackingError(
            f"{told} is superseded: its job was done again since; give the later run."
        )
    raise TrackingError(
        f"{told} is {run.status}, and only a finished run has results; run its job again (what is "
        "done is taken from the store), or give another run."
    )


def _of_query(runs: Iterable[TrackedJob], query: str) -> FoundRuns:
    found = [run for run in runs if not (run.is_sweep or run.is_of_data)]
    of_jobs = [run for run in found if run.job_key is not None]
    jobs, unfinished, repeated = _by_job(of_jobs)
    others = len(found) - len(of_jobs)
    if not jobs:
        names = ", ".join(f"{run.name} ({run.status})" for run in unfinished[:_SHOWN])
        among = f"; of jobs that are not finished it finds {names}" if names else ""
        foreign = f"; runs of others that it finds: {others}" if others else ""
        raise TrackingError(
            f"query={query} finds no finished run of a job{among}{foreign}. Write it like "
            "\"tags.`fairkd.data` = 'adult' and metrics.`test/accuracy` > 0.8\"."
        )
    return FoundRuns(tuple(jobs), tuple(unfinished), others, repeated)


def _by_job(runs: Iterable[TrackedJob]) -> tuple[list[TrackedJob], list[TrackedJob], int]:
    """Of each job the newest run that counts, of a job without one the newest, and how many others.

    The others are older runs that count as well; runs that ended without results, and superseded
    ones, are no part of a comparison anyway.
    """
    in_order = _in_order(runs)
    counting = [run for run in in_order if run.counts]
    newest = {run.job_key: run for run in counting}
    unfinished = {
        run.job_key: run
        for run in in_order
        if run.status != "FINISHED" and run.job_key not in newest
    }
    return _in_order(newest.values()), _in_order(unfinished.values()), len(counting) - len(newest)


def _jobs(count: int) -> str:
    return "1 job has" if count == 1 else f"{count:,} jobs have"


def _in_order(runs: Iterable[TrackedJob]) -> list[TrackedJob]:
    return sorted(runs, key=lambda run: (run.started, run.run_id))
