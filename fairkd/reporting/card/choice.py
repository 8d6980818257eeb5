"""The one job of several that a card is of, and a sentence on how it was chosen."""

from collections.abc import Sequence
from dataclasses import dataclass

from fairkd.reporting.chosen import Selected, selected
from fairkd.reporting.recorded import RecordedJob
from fairkd.sweeps.numbers import with_interval
from fairkd.sweeps.outcome import MEASURES


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
    jobs: Sequence[RecordedJob], threshold: float | None = None, missing: str = ""
) -> tuple[RecordedJob, Choice]:
    """The best repetition of the best configuration, both chosen on validation.

    Args:
        jobs: of one comparison.
        threshold: the gap within which it is to be the most accurate; ``None`` takes that of the
            jobs' bounds, or 0.05.
        missing: what there is no result of, `fairkd.reporting.runs.FoundRuns.missing`.

    Raises:
        FairkdError: none can be chosen.
    """
    found = selected(jobs, threshold)
    text = _sentence(found)
    if missing:
        text += f" Not everything could be chosen from: {missing}."
    return found.job, Choice(text, found.chosen.row.repetitions)


def _sentence(found: Selected) -> str:
    summary, row = found.summary, found.chosen.row
    text = (
        f"Chosen on validation among {summary.jobs} jobs of {len(summary.rows)} configurations: "
        f"{found.how}. {found.threshold.source}"
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
