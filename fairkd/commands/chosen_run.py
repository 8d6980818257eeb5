"""The one run that a command is about: named, or the best student's among several."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from fairkd.commands.asking import (
    RUN_KEYS,
    accepts_unfinished,
    reading,
    refuse_missing,
    threshold_of,
    which_runs,
)

if TYPE_CHECKING:
    from fairkd.reporting.chosen import Selected
    from fairkd.reporting.recorded import RecordedJob
    from fairkd.tracking.reading import Reading, TrackedJob

FOLDER = "folder"
FOLDER_HELP = """\
  folder=PATH                 no run, but the folder of a job (outputs/...)
"""
STUDENT_KEYS = (*RUN_KEYS, FOLDER, "threshold", "unfinished")


@dataclass(frozen=True, eq=False)
class StudentFiles:
    """Where a student's files are on this machine.

    Attributes:
        folder: with ``student.json`` and what belongs to it.
        run: that they are of; ``None`` of a job's folder that was named.
        chosen: in words, how the run was chosen among several; empty where it was named.
    """

    folder: Path
    run: "TrackedJob | None" = None
    chosen: str = ""

    @property
    def told(self) -> str:
        """Whose they are, for a person."""
        if self.run is None:
            return str(self.folder.absolute())
        return f"{self.run.name}, run {self.run.run_id}"


def chosen_run(
    store: "Reading",
    values: Mapping[str, str],
    which: Mapping[str, str],
    threshold: float | None,
) -> "tuple[RecordedJob, Selected | None]":
    """The one job, or that of the best student of several and how it was chosen.

    Raises:
        TrackingError: there are no such runs, or something is missing among them.
    """
    from fairkd.reporting.chosen import selected, within_what_was_asked
    from fairkd.reporting.recorded import recorded_jobs
    from fairkd.reporting.runs import found_runs

    runs = found_runs(store, **which)
    refuse_missing(values, which, runs.missing)
    jobs = recorded_jobs(store, runs.jobs)
    if "run" in which:
        return jobs[0], None
    found = within_what_was_asked(selected(jobs, threshold), threshold)
    return found.job, found


@contextmanager
def student_files(values: Mapping[str, str]) -> Iterator[StudentFiles]:
    """The files of the student that the words mean, at hand within the block.

    Args:
        values: by key, of `STUDENT_KEYS` and those of the store.

    Raises:
        UsageError: not exactly one of the words that say which.
        FairkdError: there is no such run, or it cannot be reached.
    """
    threshold = threshold_of(values, ("sweep", "query"))
    which = which_runs(values, (*RUN_KEYS, FOLDER))
    accepts_unfinished(values)
    if FOLDER in which:
        yield StudentFiles(Path(which[FOLDER]).expanduser())
        return
    store = reading(values)
    run, chosen = _run(store, values, which, threshold)
    with TemporaryDirectory(prefix="fairkd-student-") as brought:
        yield StudentFiles(store.folder(run, "student", Path(brought)), run, chosen)


def _run(
    store: "Reading",
    values: Mapping[str, str],
    which: Mapping[str, str],
    threshold: float | None,
) -> "tuple[TrackedJob, str]":
    from fairkd.reporting.runs import found_runs

    if "run" in which:
        return found_runs(store, **which).jobs[0], ""
    job, found = chosen_run(store, values, which, threshold)
    return job.run, "" if found is None else f"{found.how}. {found.threshold.source}"
