"""A run's artifacts: collected in a folder of our own, written together."""

import shutil
from pathlib import Path
from posixpath import normpath
from tempfile import mkdtemp
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from fairkd.errors import TrackingError

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


class Artifacts:
    """Artifacts of one run that are not written yet.

    Args:
        client: where the run lives.
        run_id: the run's id.
        location: the URI of the run's artifacts; None has MLflow look it up.
    """

    def __init__(self, client: "MlflowClient", run_id: str, location: str | None) -> None:
        self._client = client
        self._run_id = run_id
        self._folder: LocalArtifactRepository | None = None
        if location is not None and urlsplit(location).scheme in ("", "file"):
            # MLflow's client would read the whole run once more to find its folder.
            self._folder = LocalArtifactRepository(location)
        self._staged: Path | None = None

    def add_text(self, path: str, text: str) -> None:
        """Keep a text for the next `write`, under its path among the artifacts.

        Raises:
            OSError: the temporary folder cannot be written.
            TrackingError: the path leads out of the artifacts.
        """
        self._place(path).write_text(text, encoding="utf-8")

    def add_file(self, path: str, file: Path) -> None:
        """Keep a copy of a file for the next `write`.

        Raises:
            OSError: the file cannot be read, or the temporary folder cannot be written.
            TrackingError: the path leads out of the artifacts.
        """
        shutil.copyfile(file, self._place(path))

    def write(self) -> None:
        """Write everything kept, in one call, and forget it.

        Raises:
            OSError, MlflowException: it cannot be written.
        """
        if self._staged is None:
            return
        try:
            if self._folder is None:
                self._client.log_artifacts(self._run_id, str(self._staged))
            else:
                self._folder.log_artifacts(str(self._staged))  # type: ignore[no-untyped-call]
        finally:
            self.discard()

    def discard(self) -> None:
        """Forget what is kept."""
        if self._staged is not None:
            shutil.rmtree(self._staged, ignore_errors=True)
            self._staged = None

    def _place(self, path: str) -> Path:
        if path != normpath(path) or path.startswith(("/", "..")):
            raise TrackingError(
                f"'{path}' cannot be an artifact; accepted: a relative path without '..' and '.'."
            )
        if self._staged is None:
            self._staged = Path(mkdtemp(prefix="fairkd-artifacts-"))
        place = self._staged / path
        place.parent.mkdir(parents=True, exist_ok=True)
        return place
