"""How a report came to be: data, seeds, versions, runs, and the commands that do it again."""

import shlex
from collections.abc import Iterator, Mapping, Sequence

from fairkd import __version__
from fairkd.checks import as_typed
from fairkd.reporting.members import members
from fairkd.reporting.recorded import RecordedJob
from fairkd.reporting.report.document import Command
from fairkd.reporting.runs import FoundRuns
from fairkd.sweeps.outcome import SEED_KEYS
from fairkd.tracking.reading import OVERRIDES, VERSIONS, Reading, TrackedJob

_MULTIRUN = "hydra.mode=MULTIRUN"
_MOST_SWEEPS = 5
_SECTIONS = {"Teacher": "teacher.model.", "Student": "student."}
_MEMBERS = {
    "Distillation": "distillation.terms.",
    "Constraint": "constraint.terms.",
    "Mitigation": "mitigation.terms.",
    "Compression": "compression.steps.",
}


def facts(jobs: Sequence[RecordedJob], found: FoundRuns) -> Iterator[tuple[str, str]]:
    """Names and values, of everything that the jobs have in common or differ in.

    Args:
        jobs: at least one.
        found: the runs they were read from.
    """
    flat = [job.parameters for job in jobs]
    yield "Data", _listed(_data(job, values) for job, values in zip(jobs, flat, strict=True))
    yield "Groups on test", _listed(_groups(job) for job in jobs)
    for name, start in _SECTIONS.items():
        yield name, _listed(_model(values, _source(start, values)) for values in flat)
    for name, start in _MEMBERS.items():
        named = _listed(
            ", ".join(key.removeprefix(start) for key in members(values, start)) for values in flat
        )
        if named:
            yield name, named
    yield (
        "Epochs, batch",
        _listed(
            f"{values.get('trainer.max_epochs')}, {values.get('trainer.batch_size')}"
            for values in flat
        ),
    )
    seeds = {
        key: dict.fromkeys(as_typed(values[key]) for values in flat if key in values)
        for key in SEED_KEYS
    }
    yield "Seeds", "; ".join(f"{key}={','.join(values)}" for key, values in seeds.items() if values)
    yield "Runs", _counted_runs(found)
    versions = _listed(job.run.tags.get(VERSIONS, "") for job in jobs)
    if versions:
        yield "Trained with", versions
    yield "Report", f"fairkd {__version__}"


def sweeps_commands(reading: Reading, found: FoundRuns) -> Iterator[Command]:
    """The commands that ran the sweeps of the runs, as far as they are known.

    Raises:
        TrackingError: the tracking store cannot be read.
    """
    ids = list(dict.fromkeys(run.sweep_id for run in found.jobs if run.sweep_id is not None))
    for sweep_id in ids[:_MOST_SWEEPS]:
        parents = reading.parents(sweep_id)
        if parents and reading.has(parents[0], OVERRIDES):
            words = reading.text(parents[0], OVERRIDES).splitlines()
            yield Command(f"Run {parents[0].name} again", again(words))


def job_commands(reading: Reading, run: TrackedJob, threshold: float) -> Iterator[Command]:
    """What one may want to do with a chosen job.

    Args:
        reading: where it is tracked.
        run: its run.
        threshold: of the gap.

    Raises:
        TrackingError: the tracking store cannot be read.
    """
    if reading.has(run, OVERRIDES):
        yield Command(f"Train {run.name} again", again(reading.text(run, OVERRIDES).splitlines()))
    check = ["fairkd", "check", f"run={run.run_id}", f"test/disparity<={threshold:g}"]
    yield Command(f"Check {run.name} against the threshold", shlex.join(check), is_next=True)
    card = ["fairkd", "card", f"run={run.run_id}"]
    yield Command(f"Write the model card of {run.name}", shlex.join(card), is_next=True)


def again(overrides: Sequence[str]) -> str:
    """The command of a job or a sweep from its overrides, one a line as its run keeps them."""
    words = [word for word in overrides if word and word != _MULTIRUN]
    return shlex.join(
        ["python", "-m", "fairkd", *(["-m"] if _MULTIRUN in overrides else []), *words]
    )


def _data(job: RecordedJob, values: Mapping[str, object]) -> str:
    inputs = [
        f"{one.name}{'' if one.rows is None else f': {one.rows:,} rows'}, fingerprint {one.digest}"
        for one in job.run.inputs
    ]
    return _listed(inputs) or as_typed(values.get("data.name", job.run.tags.get("fairkd.data", "")))


def _groups(job: RecordedJob) -> str:
    """Each measured block's cells with their rows on test."""
    found = job.record.trio.evaluations["student"]
    return "; ".join(
        f"{block}: "
        + ", ".join(
            f"{cell} {int(found.metrics[f'count/{block}.{cell}']):,}" for cell in layout.cells
        )
        for block, layout in found.layouts.items()
        if "count" in layout.columns
    )


def _source(start: str, values: Mapping[str, object]) -> str:
    """Where a model is described: of one that only answers, where its answers come from."""
    given = start.replace(".model.", ".given.")
    return given if f"{given}_target_" in values else start


def _model(values: Mapping[str, object], start: str) -> str:
    """A class and what it was given: ``MLP hidden=[64]``."""
    inside = {
        key.removeprefix(start): value for key, value in values.items() if key.startswith(start)
    }
    target = as_typed(inside.get("_target_", "")).rpartition(".")[2]
    given = [
        f"{key}={as_typed(value)}"
        for key, value in inside.items()
        if not key.startswith("_") and "." not in key and value is not None
    ]
    return " ".join([target, *given])


def _counted_runs(found: FoundRuns) -> str:
    experiments = _listed(run.experiment for run in found.jobs)
    text = f"{len(found.jobs):,} finished, in experiment {experiments}"
    if found.missing:
        text += f"; missing: {found.missing}"
    if found.repeated:
        text += f"; left out because a newer run is of the same job: {found.repeated:,}"
    if found.others:
        text += f"; left out because they are not fairkd's: {found.others:,}"
    return text


def _listed(texts: "Iterator[str] | Sequence[str]") -> str:
    """The different ones, in their order."""
    return "; ".join(dict.fromkeys(text for text in texts if text))
