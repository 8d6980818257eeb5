"""The one job of several that a card is of, and a sentence on how it was chosen."""

from collections.abc import Sequence
from dataclasses import dataclass

from fairkd.reporting.recorded import RecordedJob, outcomes_of
from fairkd.sweeps.choice import best_repetition, best_row
from fairkd.sweeps.numbers import with_interval
from fairkd.sweeps.outcome import MEASURES
from fairkd.sweeps.summary import Row, Summary, summarise


@dataclass(frozen=True)
class Choice:
    """How a job was chosen among others.

    Attributes:
        sentence: from what, by what, and what its repetitions reach on test.
        repetitions: of its configuration, itself included.
    """

    sentence: str
    repetitions: int


def chosen(
    jobs: Sequence[RecordedJob], threshold: float | None = None
) -> tuple[RecordedJob, Choice]:
    """The best repetition of the best configuration, both chosen on validation.

    Args:
        jobs: of one comparison.
        threshold: the gap within which it is to be the most accurate; ``None`` for the first of the
            sweep's order.

    Raises:
        FairkdError: none can be chosen.
    """
    summary = summarise(outcomes_of(jobs))
    row = best_row(summary, threshold)
    run_id = best_repetition(row, threshold).run_id
    job = next(job for job in jobs if job.run.run_id == run_id)
    return job, Choice(_sentence(summary, row, threshold), row.repetitions)


def _sentence(summary: Summary, row: Row, threshold: float | None) -> str:
    label = summary.labels[row.configuration]
    how = (
        "the best by Pareto rank, then by accuracy minus gap"
        if threshold is None
        else f"the most accurate whose gap is within {threshold:g}"
    )
    text = (
        f"Chosen on validation among {summary.jobs} jobs of {len(summary.rows)} configurations: "
        f"{how}{f' ({label})' if label else ''}."
    )
    if row.repetitions == 1:
        return text
    reached = ", ".join(
        f"{called} {with_interval(row.estimate('student', 'test', measure))}"
        for called, measure in zip(("accuracy", "gap"), MEASURES, strict=True)
    )
    return (
        f"{text} It is one of {row.repetitions} repetitions ({row.repetitions_vary}), which on test"
        f" reach on average {reached}, with {summary.confidence:.0%} Student t intervals."
    )
