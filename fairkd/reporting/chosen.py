"""The one student to take of several tracked jobs: what card, check and register are about."""

from collections.abc import Sequence
from dataclasses import dataclass

from fairkd.errors import DataError
from fairkd.reporting.recorded import RecordedJob, outcomes_of
from fairkd.reporting.threshold import Threshold, threshold_of
from fairkd.sweeps.choice import Chosen, choose, in_words, only_comparison
from fairkd.sweeps.summary import Summary, summarise


@dataclass(frozen=True, eq=False)
class Selected:
    """A student chosen on validation among tracked jobs, as `fairkd report` would choose it.

    Attributes:
        job: the repetition to take.
        chosen: its configuration.
        threshold: within which it was looked for, and where that comes from.
        summary: of all jobs.
        label: what is varied, with the configuration's values; empty where nothing is.
    """

    job: RecordedJob
    chosen: Chosen
    threshold: Threshold
    summary: Summary
    label: str

    @property
    def how(self) -> str:
        """What it is among the others on validation, in words."""
        return in_words(self.chosen, self.label)


def selected(jobs: Sequence[RecordedJob], asked: float | None = None) -> Selected:
    """The most accurate student within a threshold on validation; the closest where none is.

    Args:
        jobs: of one comparison.
        asked: the threshold; ``None`` takes that of the jobs' bounds, or 0.05.

    Raises:
        ConfigError: the threshold is no number.
        DataError: there is nothing to choose from, or no configuration's numbers are defined.
    """
    summary = summarise(outcomes_of(jobs))
    rows = only_comparison(summary)
    threshold = threshold_of((job.record for job in jobs), asked)
    found = choose(rows, threshold.value)
    if found is None:
        raise DataError(
            f"No configuration has a defined accuracy and gap ({rows[0].comparison}) on "
            "validation, so none is best; give one as run=."
        )
    return Selected(
        job=next(job for job in jobs if job.run.run_id == found.outcome.run_id),
        chosen=found,
        threshold=threshold,
        summary=summary,
        label=summary.labels[found.row.configuration],
    )


def within_what_was_asked(found: Selected, asked: float | None) -> Selected:
    """The same, where it is within a threshold that was asked for, or none was.

    Raises:
        DataError: no configuration is within it; the closest is named.
    """
    if asked is not None and not found.chosen.is_within:
        row = found.chosen.row
        raise DataError(
            f"No configuration has a gap ({row.comparison}) within threshold={asked:g} on "
            f"validation: {found.how}; raise threshold, or sweep larger constraint weights."
        )
    return found
