"""How the model was made: data, seeds, settings, versions, and the command that does it again."""

from collections.abc import Iterator, Mapping, Sequence

from fairkd.checks import as_typed
from fairkd.privacy.membership import MEMBERSHIP_AUC
from fairkd.record import parameters
from fairkd.reporting.card.metadata import catalogued
from fairkd.reporting.markdown import block, bullets, plain, table
from fairkd.reporting.recorded import RecordedJob
from fairkd.reporting.report.made import again, facts
from fairkd.reporting.runs import FoundRuns
from fairkd.sweeps.outcome import TARGET
from fairkd.tracking.reading import VERSIONS

_SAID_ELSEWHERE = ("Student", "Teacher", "Runs", "Report")
_SECTIONS = ("data", "distillation", "constraint", "mitigation", "compression", "baseline")
_OF_ONE_MACHINE = ("paths.", "tracking", "force=", "dry_run=", "data.cache=")
_OWN_FILES = "data.path="
_NOT_SHOWN = ("data.name", "data.path", "data.cache")


def making_section(
    job: RecordedJob, words: Sequence[str] | None, choice: str | None
) -> Iterator[str]:
    """The section's parts.

    Args:
        job: the job.
        words: what was typed for it, if that is known.
        choice: how it was chosen among others, a sentence; ``None`` where it was not.
    """
    yield "## How it was made"
    told = dict(facts([job], FoundRuns((job.run,))))
    lines = [
        f"{plain(name)}: {plain(value)}"
        for name, value in told.items()
        if name not in _SAID_ELSEWHERE and value
    ]
    yield bullets([*_source(job), *lines, *_rows(job), *_epochs(job), *_names(job)])
    if choice is not None:
        yield plain(choice)
    yield "What was set:"
    settings = [[plain(key), plain(value)] for key, value in _settings(job)]
    yield table(["setting", "value"], settings, numbers=False)
    yield from _command(words)


def _source(job: RecordedJob) -> Iterator[str]:
    entry = catalogued(job)
    if entry is None:
        yield "The data is the user's own: where it comes from and its licence are not recorded"
        return
    yield f"Source of the data: {plain(entry.source)}"
    yield f"Licence of the data: {plain(entry.licence)}"
    if job.configuration["data"].get("path") is not None:
        yield "The rows were read from files of the user's own (data.path)"


def _rows(job: RecordedJob) -> Iterator[str]:
    """Training rows by group, which the look at losses counts."""
    found = job.record.membership.get("student")
    if found is None:
        return
    for name, layout in found.layouts.items():
        counted = [
            f"{plain(cell)} {int(found.metrics[f'members/{name}.{cell}']):,}"
            for cell in layout.cells
            if f"members/{name}.{cell}" in found.metrics
        ]
        if counted and MEMBERSHIP_AUC in found.metrics:
            yield f"Training rows by {plain(name)}, as training was told: {', '.join(counted)}"


def _epochs(job: RecordedJob) -> Iterator[str]:
    kept = [
        f"{plain(model)} {epoch + 1} of {len(job.record.histories.get(model, ())) or 'unknown'}"
        for model, epoch in job.record.best_epochs.items()
    ]
    if kept:
        yield f"Epochs kept, the best on validation: {', '.join(kept)}"


def _names(job: RecordedJob) -> Iterator[str]:
    if VERSIONS not in job.run.tags:
        yield "Versions of fairkd and torch: not recorded"
    yield f"Run: {plain(job.run.name)}, {plain(job.run.run_id)}"
    yield f"Job key: {plain(job.run.job_key)}"
    if job.run.sweep_id is not None:
        yield f"Sweep: {plain(job.run.sweep_id)}"


def _settings(job: RecordedJob) -> Iterator[tuple[str, str]]:
    """What is set in the sections that make a method; copies of a shared knob are left out."""
    flat = parameters(job.configuration)
    idle = tuple(_idle_schedules(flat))
    for key, value in flat.items():
        if key.partition(".")[0] not in _SECTIONS or value is None or value == {}:
            continue
        if key in _NOT_SHOWN or key.endswith("_convert_") or key.startswith(idle):
            continue
        if _is_copy(key, value, flat) or _is_perfect(key, value):
            continue
        text = as_typed(value)
        yield key, text.rpartition(".")[2] if key.endswith(TARGET) else text


def _idle_schedules(flat: Mapping[str, object]) -> Iterator[str]:
    """The starts of keys of schedules under which nothing ever changes."""
    for key, value in flat.items():
        start, _, name = key.rpartition(".")
        if name == "shape" and value == "constant" and flat.get(f"{start}.warmup") == 0:
            yield f"{start}."


def _is_perfect(key: str, value: object) -> bool:
    """Whether a knob of imperfect information is left at where it does nothing."""
    start, _, name = key.rpartition(".")
    return start == "data.imperfect" and value == (1.0 if name == "known_groups" else 0.0)


def _is_copy(key: str, value: object, flat: Mapping[str, object]) -> bool:
    section, _, rest = key.partition(".")
    inside = rest.startswith(("terms.", "steps.")) and rest.count(".") > 1
    return inside and flat.get(f"{section}.{rest.rpartition('.')[2]}") == value


def _command(words: Sequence[str] | None) -> Iterator[str]:
    if words is None:
        yield (
            "The command was not kept; `configuration.json` among the run's artifacts holds the "
            "whole configuration."
        )
        return
    kept = [
        f"{_OWN_FILES}FOLDER" if word.startswith(_OWN_FILES) else word
        for word in words
        if not word.startswith(_OF_ONE_MACHINE)
    ]
    yield "To make it again, with the same weights and numbers on one kind of machine:"
    yield block(again(kept), "sh")
