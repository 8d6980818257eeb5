"""A model card in the community's format: Markdown below metadata, all of it from a run."""

from collections.abc import Sequence

from fairkd.reporting.card.choice import Choice
from fairkd.reporting.card.limits import not_measured_section, use_section
from fairkd.reporting.card.making import making_section
from fairkd.reporting.card.metadata import front_matter
from fairkd.reporting.card.model import model_section, summary
from fairkd.reporting.card.results import results_section
from fairkd.reporting.markdown import plain
from fairkd.reporting.recorded import RecordedJob


def card(
    job: RecordedJob,
    *,
    words: Sequence[str] | None = None,
    choice: Choice | None = None,
    licence: str | None = None,
) -> str:
    """The card of a job's final model. Text from data is escaped, in Markdown and in YAML.

    Args:
        job: its run, configuration and record.
        words: the overrides that were typed for it; ``None`` where they were not kept.
        choice: how it was chosen; ``None`` where it was given.
        licence: of the model, which no run knows.
    """
    parts = [
        front_matter(job, licence),
        f"# {plain(job.run.name)}",
        summary(job),
        *model_section(job),
        *use_section(job),
        *results_section(job),
        *making_section(job, words, None if choice is None else choice.sentence),
        *not_measured_section(job, 1 if choice is None else choice.repetitions),
    ]
    return "\n\n".join(parts) + "\n"
