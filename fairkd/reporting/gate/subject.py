"""What conditions are checked on: a run, or the repetitions of a sweep's best configuration."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from fairkd.reporting.chosen import selected, within_what_was_asked
from fairkd.reporting.intervals import Interval, metric_intervals
from fairkd.reporting.recorded import RecordedJob
from fairkd.sweeps.estimate import Estimate, over_repetitions
from fairkd.sweeps.outcome import MODELS, Model
from fairkd.sweeps.repetitions import distinct


@dataclass(frozen=True, eq=False)
class Subject:
    """One thing that has metrics.

    Attributes:
        name: in words.
        jobs: its jobs; one of them, or the repetitions of a configuration.
        repetitions: for each model those of the jobs in which it is a different one.
        confidence: of the interval over repetitions.
        basis: what the intervals are over, a sentence.
    """

    name: str
    jobs: tuple[RecordedJob, ...]
    repetitions: Mapping[Model, tuple[RecordedJob, ...]]
    confidence: float
    basis: str

    @cached_property
    def metrics(self) -> frozenset[str]:
        """The names of all metrics that at least one of its runs has."""
        return frozenset(name for job in self.jobs for name in job.run.metrics)

    @cached_property
    def own_intervals(self) -> Mapping[str, Interval]:
        """The first job's intervals over test rows."""
        return metric_intervals(self.jobs[0].record)

    def estimate(self, metric: str) -> Estimate:
        """A metric over the repetitions; NaN where it is undefined or was not measured."""
        jobs = self.repetitions[_model(metric)]
        values = [job.run.metrics.get(metric, math.nan) for job in jobs]
        found = over_repetitions(values, self.confidence)
        low, high = self.own_intervals.get(metric, (math.nan, math.nan))
        return found.with_rows_interval(low, high)

    def has_interval(self, metric: str) -> bool:
        """Whether a metric has an interval wherever it is defined."""
        return len(self.repetitions[_model(metric)]) > 1 or metric in self.own_intervals


def of_run(job: RecordedJob) -> Subject:
    """A single run."""
    basis = f"Intervals are the run's own, over its test rows, at confidence {job.confidence:g}."
    alone = dict.fromkeys(MODELS, (job,))
    return Subject(f"run {job.run.name} ({job.run.run_id})", (job,), alone, job.confidence, basis)


def of_sweep(name: str, jobs: Sequence[RecordedJob], threshold: float | None = None) -> Subject:
    """The best configuration of a sweep, chosen on validation.

    Args:
        name: the sweep, as it was asked for.
        jobs: all of its jobs.
        threshold: the gap within which it is to be the most accurate; ``None`` takes that of the
            jobs' bounds, or 0.05, and the closest where none is within it.

    Raises:
        FairkdError: none can be chosen, or none is within the threshold.
    """
    found = within_what_was_asked(selected(jobs, threshold), threshold)
    summary, row = found.summary, found.chosen.row
    told = f"sweep {name}, of {len(summary.rows)} configurations on validation {found.how}"
    of_job = {job.run.run_id: job for job in jobs}
    repetitions = {
        model: tuple(of_job[one.run_id] for one in distinct(row.outcomes, model))
        for model in MODELS
    }
    kept = repetitions["student"]
    if len(kept) == 1:
        basis = of_run(kept[0]).basis
    else:
        basis = (
            f"Values are means over {len(kept)} repetitions, intervals their Student t intervals at"
            f" confidence {summary.confidence:g} ({row.repetitions_vary})."
        )
    basis = f"{found.threshold.source} {basis}"
    return Subject(told, kept, repetitions, summary.confidence, basis)


def _model(metric: str) -> Model:
    """Which model a metric is of; of changes and shorthands, the student."""
    part = metric.split("/")[1] if metric.startswith("test/") else ""
    return next((model for model in MODELS if model == part), "student")
