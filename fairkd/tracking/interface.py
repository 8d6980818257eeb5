"""What a tracking store offers, whichever one it is."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pandas import DataFrame

    from fairkd.serving.description import Description
    from fairkd.serving.student import Rows

JOB_KEY = "fairkd.job_key"
SWEEP_ID = "fairkd.sweep_id"
"""A job's run carries the id of the sweep that the job belongs to."""
SWEEP_PARENT = "fairkd.sweep"
"""A sweep's own run, the parent of its jobs' runs, carries the sweep's id."""
COMPARED = ("test/accuracy", "test/disparity", "test/disparity_change", "test/holds")
"""The metrics that runs, and their models, are compared by: a page's first columns."""


class Run(Protocol):
    """One run while it is open. Everything raises `TrackingError` if it cannot be written.

    Writing may be put off, by seconds at the most while something is logged, and until the run
    ends at the latest; a run whose last writing failed does not end as finished.
    """

    @property
    def run_id(self) -> str:
        """The run's id in its tracking store."""
        ...

    def log_params(self, params: Mapping[str, object]) -> None:
        """Parameters under flat dotted keys; a number's text is what the user typed.

        They cannot change; the same value again is fine.
        """
        ...

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Values of one step; NaN stays NaN, an infinity becomes NaN."""
        ...

    def log_history(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Values of many steps in few calls; each row's ``epoch`` is its step."""
        ...

    def log_table(self, table: "DataFrame", path: str) -> None:
        """A table as CSV, an undefined number as ``NaN``."""
        ...

    def show_table(self, table: "DataFrame", path: str) -> None:
        """A table as the store's own pages show one; its path ends in ``.json``."""
        ...

    def log_model(
        self,
        folder: str,
        description: "Description",
        example: "Rows",
        numbers: Mapping[str, float],
    ) -> None:
        """Let the store serve the student whose files lie in a folder of the run's artifacts.

        Args:
            folder: with all that `fairkd.serving.student.Student.load` reads, once logged.
            description: of the student.
            example: one raw row or more, as the student takes them.
            numbers: measured of it, by name: what models are compared by.
        """
        ...

    def log_text(self, text: str, path: str) -> None:
        """A text as an artifact."""
        ...

    def log_json(self, value: object, path: str) -> None:
        """Plain values as standard JSON; a number that is not finite becomes ``null``."""
        ...

    def log_file(self, file: Path, folder: str = "") -> None:
        """A file, under its own name, in a folder of the run's artifacts."""
        ...

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """Tags; a later value replaces an earlier one."""
        ...

    def log_input(
        self, name: str, fingerprint: str, context: str, rows: int, source: str = "fairkd"
    ) -> None:
        """A data set that went into the run.

        Args:
            name: the data set.
            fingerprint: the hash of its content.
            context: what it was used for ("train", "test").
            rows: how many rows of it.
            source: where it came from, in words.
        """
        ...


class Tracking(Protocol):
    """A store of runs."""

    def prepare(self) -> None:
        """Make the store usable; safe from many processes at once, quick when nothing is to do."""
        ...

    def reap(self) -> list[str]:
        """Mark this host's runs whose process is gone as killed; return their ids.

        Safe from many processes at once: each such run is returned to one of them.
        """
        ...

    def find(self, job_key: str, sweep_id: str | None = None) -> str | None:
        """The newest finished, not superseded run of a job in a sweep (or in none)."""
        ...

    def finished(self, sweep_id: str | None) -> dict[str, str]:
        """The newest finished, not superseded run of every job of a sweep (or of none).

        Returns:
            Run ids by job key.
        """
        ...

    def parent_of(self, sweep_id: str) -> str | None:
        """The newest run with the tag `SWEEP_PARENT` of this sweep, whatever became of it."""
        ...

    def supersede(self, job_key: str) -> list[str]:
        """Mark every finished run of a job as superseded; return their ids."""
        ...

    def start(
        self,
        name: str,
        params: Mapping[str, object],
        tags: Mapping[str, object],
        parent: str | None = None,
    ) -> AbstractContextManager[Run]:
        """A new run, open within the ``with``.

        It ends as finished; after an exception as failed, with the error's text as a tag; after
        an interrupt or exit as killed.

        Args:
            name: its name in lists.
            params: as `Run.log_params`.
            tags: as `Run.set_tags`; `JOB_KEY` and `SWEEP_ID` are what `find` looks for.
            parent: the id of the run it belongs to.
        """
        ...

    def resume(self, run_id: str) -> AbstractContextManager[Run]:
        """A run that has ended, open again within the ``with``; it ends as those of `start`."""
        ...

    def describe(self, run_id: str) -> str:
        """Where a person can see the run."""
        ...
