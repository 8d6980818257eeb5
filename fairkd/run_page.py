"""What a person sees of a job's tracked run first: tags to filter by, a note, tables, its model."""

import platform
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from fairkd import __version__
from fairkd.job import Job
from fairkd.job_folder import write_figures
from fairkd.record import JobRecord
from fairkd.run_record import write_run
from fairkd.serving.description import Description
from fairkd.tracking.interface import JOB_KEY, SWEEP_ID, Run
from fairkd.tracking.reading import VERSIONS
from fairkd.tracking.slug import slug

if TYPE_CHECKING:
    import pandas as pd

NOTE = "mlflow.note.content"
"""The tag that MLflow shows as a run's description."""
STUDENT = "student"
"""The folder of a run's artifacts that is a model."""

Illustrate = Callable[[JobRecord], Mapping[str, bytes]]
"""Draws a record: the content of each picture by the name of its file."""
Annotate = Callable[[JobRecord, str, Collection[str], str], str]
"""A note in Markdown, or nothing: for a record, its run's id, its pictures' names, and the name of
the model that is served."""

_EXAMPLES = 2
_DIGITS = 4


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
        VERSIONS: _versions(),
    }


def _versions() -> str:
    """Of what a run's numbers depend on most."""
    python = platform.python_version()
    return f"fairkd {__version__}, torch {torch.__version__}, Python {python}"


def method(job: Job) -> str:
    """The names of all that makes the job's student: ``soft_targets + demographic_parity``."""
    sections = ("distillation", "constraint", "mitigation")
    names = [name for section in sections for name in job.config[section]["terms"]]
    names += job.compression
    if job.baseline is not None:
        names.append(job.baseline.rows[-1])
    return " + ".join(map(str, names)) or "labels alone"


@dataclass(frozen=True)
class Page:
    """Everything that an open run shows of its job.

    Attributes:
        illustrate: draws the figures.
        annotate: writes the note.
    """

    illustrate: Illustrate
    annotate: Annotate

    def write(self, run: Run, job: Job, record: JobRecord) -> None:
        """Write it.

        Args:
            run: open.
            job: whose folder holds the student.
            record: what was measured.
        """
        figures = self.illustrate(record)
        write_figures(job.output, figures)
        write_run(run, record, job.dataset, job.output)
        described = Description.load(job.output)
        text = self.annotate(record, run.run_id, figures, described.serves)
        if text:
            run.set_tags({NOTE: text})
        for block, table in tables(record).items():
            run.show_table(table, f"groups/{slug(block)}.json")
        _log_model(run, job, record, described)


def tables(record: JobRecord) -> "dict[str, pd.DataFrame]":
    """By block, every model's values for each group below each other, to four decimals."""
    import pandas as pd

    found: dict[str, list[pd.DataFrame]] = {}
    for model, evaluation in record.trio.evaluations.items():
        for block in evaluation.layouts:
            table = evaluation.tables[block].round(_DIGITS).rename_axis("group").reset_index()
            table.insert(1, "model", model)
            found.setdefault(block, []).append(table)
    return {block: pd.concat(parts, ignore_index=True) for block, parts in found.items()}


def _log_model(run: Run, job: Job, record: JobRecord, described: Description) -> None:
    """The numbers are of the model that is served, which need not be the job's final one."""
    raw = job.dataset.raw
    example = (
        raw.some("train", slice(_EXAMPLES))[[column.name for column in described.columns]]
        if described.columns
        else job.dataset.splits["train"].rows(slice(1)).floats.numpy()
    )
    numbers = record.compared(described.serves)
    run.log_model(STUDENT, described, example, numbers)
