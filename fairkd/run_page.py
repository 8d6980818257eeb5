"""What a person sees of a job's tracked run first: tags to filter by, a note, tables, its model."""

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fairkd.job import Job
from fairkd.record import JobRecord
from fairkd.serving.description import Description
from fairkd.tracking.interface import JOB_KEY, SWEEP_ID, Run
from fairkd.tracking.slug import slug

if TYPE_CHECKING:
    import pandas as pd

NOTE = "mlflow.note.content"
"""The tag that MLflow shows as a run's description."""
STUDENT = "student"
"""The folder of a run's artifacts that is a model."""
COMPARED = ("test/accuracy", "test/disparity", "test/disparity_change", "test/holds")
"""The metrics that runs, and their models, are compared by."""

_EXAMPLES = 2
_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+!|~&$^-])")


def tags(job: Job) -> dict[str, str]:
    """What a job's run is found and filtered by."""
    return {
        **({SWEEP_ID: job.sweep.id} if job.sweep.id is not None else {}),
        JOB_KEY: job.keys.job,
        "fairkd.configuration_key": job.keys.without_seeds,
        "fairkd.teacher_key": job.keys.teacher,
        "fairkd.data": job.dataset.name,
        "fairkd.method": method(job),
        "fairkd.seed": str(job.config["seed"]),
        "fairkd.output": str(job.output),
    }


def method(job: Job) -> str:
    """The names of all that makes the job's student: ``soft_targets + demographic_parity``."""
    sections = ("distillation", "constraint", "mitigation")
    names = [name for section in sections for name in job.config[section]["terms"]]
    names += job.compression
    if job.baseline is not None:
        names.append(job.baseline.rows[-1])
    return " + ".join(map(str, names)) or "labels alone"


def write_page(run: Run, job: Job, record: JobRecord) -> None:
    """Write into an open run what its page shows first.

    Args:
        run: open; `fairkd.record.write_run` has written the rest.
        job: whose folder holds the student.
        record: what was measured.
    """
    run.set_tags({NOTE: note(record, run.run_id)})
    for block, table in tables(record).items():
        run.show_table(table, f"groups/{slug(block)}.json")
    described = Description.load(job.output)
    raw = job.dataset.raw.get("train")
    example = (
        job.dataset.splits["train"].x[:1].numpy()
        if raw is None
        else raw[[column.name for column in described.columns]].head(_EXAMPLES)
    )
    metrics = record.metrics()
    numbers = {name: metrics[name] for name in COMPARED if name in metrics}
    run.log_model(STUDENT, described, example, numbers)


def tables(record: JobRecord) -> "dict[str, pd.DataFrame]":
    """By block, every model's values for each group below each other, to sort and to filter."""
    import pandas as pd

    found: dict[str, list[pd.DataFrame]] = {}
    for model, evaluation in record.trio.evaluations.items():
        for block in evaluation.layouts:
            table = evaluation.tables[block].rename_axis("group").reset_index()
            table.insert(1, "model", model)
            found.setdefault(block, []).append(table)
    return {block: pd.concat(parts, ignore_index=True) for block, parts in found.items()}


def note(record: JobRecord, run_id: str) -> str:
    """The trio in a small table, as Markdown; names are escaped.

    Args:
        record: what was measured.
        run_id: of the run that holds the student.
    """
    headline = record.headline
    lines = [
        "| on test | accuracy | gap | parameters | bytes |",
        "| --- | --- | --- | --- | --- |",
        *(_row(record, model) for model in record.trio.models),
        "",
        f"The gap is {escaped(headline.metric.replace('_', ' '))} by {escaped(headline.block)}.",
        *_verdicts(record),
        "",
        f"Serve it: `mlflow models serve -m runs:/{run_id}/{STUDENT} --env-manager local`",
    ]
    return "\n".join(lines)


def escaped(text: str) -> str:
    """A text that Markdown shows as it is, on one line."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def _row(record: JobRecord, model: str) -> str:
    evaluation = record.trio.evaluations[model]
    gap = _number(record.disparity(model, "test"))
    low, high = evaluation.intervals.get(record.headline.name, (math.nan, math.nan))
    if not math.isnan(low):
        gap += f" [{_number(low)}, {_number(high)}]"
    cost = record.trio.costs[model]
    cells = (
        escaped(model),
        _number(evaluation.metrics["accuracy"]),
        gap,
        f"{cost.parameters:,}",
        f"{cost.bytes:,}",
    )
    return f"| {' | '.join(cells)} |"


def _verdicts(record: JobRecord) -> Iterator[str]:
    change = record.disparity(record.trio.final, "test") - record.disparity("control", "test")
    if not math.isnan(change):
        yield f"From the control to the {escaped(record.trio.final)} it changes by {change:+.3f}."
    if record.holds is not None:
        yield "Every bound holds on test." if record.holds else "A bound is broken on test."
    if record.certificate is not None:
        yield "Certified." if record.certificate.certified else "Not certified."


def _number(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.3f}"
