"""Which tracked runs a command is about: one, a sweep's, or those that a query finds."""

from collections.abc import Iterable
from dataclasses import dataclass

from fairkd.errors import TrackingError
from fairkd.tracking.reading import SUPERSEDED, Reading, TrackedJob

_SHOWN = 5


@dataclass(frozen=True)
class FoundRuns:
    """The runs of jobs that were asked for.

    Attributes:
        jobs: those that count (finished, and no later run of the same job took their place), in the
            order in which they were started; at least one.
        unfinished: runs of jobs that are still running, failed or were killed, where the same job
            of the same sweep has none that counts.
        others: how many runs are neither a job's nor a sweep's own; nothing is known of them.
    """

    jobs: tuple[TrackedJob, ...]
    unfinished: tuple[TrackedJob, ...] = ()
    others: int = 0


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
        return FoundRuns(tuple(_in_order(reading.sweep(sweep))))
    return _of_query(reading.search(query or ""), query or "")


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
    found = [run for run in runs if not run.is_sweep]
    of_jobs = [run for run in found if run.job_key is not None]
    jobs = _in_order(run for run in of_jobs if run.counts)
    done = {(run.sweep_id, run.job_key) for run in jobs}
    unfinished = _in_order(
        run
        for run in of_jobs
        if run.status != "FINISHED" and (run.sweep_id, run.job_key) not in done
    )
    others = len(found) - len(of_jobs)
    if not jobs:
        names = ", ".join(f"{run.name} ({run.status})" for run in unfinished[:_SHOWN])
        among = f"; of jobs that are not finished it finds {names}" if names else ""
        foreign = f"; runs of others that it finds: {others}" if others else ""
        raise TrackingError(
            f"query={query} finds no finished run of a job{among}{foreign}. Write it like "
            "\"tags.`fairkd.data` = 'adult' and metrics.`test/accuracy` > 0.8\"."
        )
    return FoundRuns(tuple(jobs), tuple(unfinished), others)


def _in_order(runs: Iterable[TrackedJob]) -> list[TrackedJob]:
    return sorted(runs, key=lambda run: (run.started, run.run_id))
