"""No tracking: the same interface, nothing kept."""
# ruff: noqa: ARG002  # every argument is ignored, that is the point

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandas import DataFrame

    from fairkd.serving.description import Description
    from fairkd.serving.student import Rows


class NoRun:
    """A run that forgets everything; its id is empty."""

    run_id = ""

    def log_params(self, params: Mapping[str, object]) -> None:
        """Do nothing."""

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Do nothing."""

    def log_history(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Do nothing."""

    def log_table(self, table: "DataFrame", path: str) -> None:
        """Do nothing."""

    def show_table(self, table: "DataFrame", path: str) -> None:
        """Do nothing."""

    def log_model(
        self,
        folder: str,
        description: "Description",
        example: "Rows",
        numbers: Mapping[str, float],
    ) -> None:
        """Do nothing."""

    def log_text(self, text: str, path: str) -> None:
        """Do nothing."""

    def log_json(self, value: object, path: str) -> None:
        """Do nothing."""

    def log_file(self, file: Path, folder: str = "") -> None:
        """Do nothing."""

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """Do nothing."""

    def log_input(
        self, name: str, fingerprint: str, context: str, rows: int, source: str = "fairkd"
    ) -> None:
        """Do nothing."""


class NoTracking:
    """For ``tracking=none`` and for notebooks."""

    def prepare(self) -> None:
        """Do nothing."""

    def reap(self) -> list[str]:
        """No run is ever left behind."""
        return []

    def find(self, job_key: str, sweep_id: str | None = None) -> str | None:
        """No run is ever found."""
        return None

    def finished(self, sweep_id: str | None) -> dict[str, str]:
        """No run is ever found."""
        return {}

    def parent_of(self, sweep_id: str) -> str | None:
        """No run is ever found."""
        return None

    def supersede(self, job_key: str) -> list[str]:
        """No run is ever superseded."""
        return []

    @contextmanager
    def start(
        self,
        name: str,
        params: Mapping[str, object],
        tags: Mapping[str, object],
        parent: str | None = None,
    ) -> Iterator[NoRun]:
        """A run that forgets everything."""
        yield NoRun()

    @contextmanager
    def resume(self, run_id: str) -> Iterator[NoRun]:
        """A run that forgets everything."""
        yield NoRun()

    def describe(self, run_id: str) -> str:
        """A sentence saying that nothing is kept."""
        return "not tracked (tracking=none)"
