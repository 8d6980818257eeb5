"""A run's artifacts: collected in memory, so that a process that is killed leaves none behind."""

from collections.abc import Mapping
from pathlib import Path
from posixpath import normpath
from tempfile import TemporaryDirectory
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
        self._folder: Path | None = None
        if location is not None and urlsplit(location).scheme in ("", "file"):
            # MLflow's client would read the whole run once more to find its folder.
            repository = LocalArtifactRepository(location)
            self._folder = Path(repository.artifact_dir)
        self._kept: dict[str, bytes] = {}

    def add_text(self, path: str, text: str) -> None:
        """Keep a text for the next `write`, under its path among the artifacts.

        Raises:
            TrackingError: the path leads out of the artifacts.
        """
        self._keep(path, text.encode())

    def add_file(self, path: str, file: Path) -> None:
        """Keep what is in a file now for the next `write`.

        Raises:
            OSError: the file cannot be read.
            TrackingError: the path leads out of the artifacts.
        """
        self._keep(path, file.read_bytes())

    def write(self) -> None:
        """Write everything kept, and forget it.

        Raises:
            OSError, MlflowException: it cannot be written.
        """
        kept, self._kept = self._kept, {}
        if not kept:
            return
        if self._folder is not None:
            _write(kept, self._folder)
            return
        with TemporaryDirectory(prefix="fairkd-artifacts-") as folder:
            _write(kept, Path(folder))
            self._client.log_artifacts(self._run_id, folder)

    def discard(self) -> None:
        """Forget what is kept."""
        self._kept = {}

    def _keep(self, path: str, data: bytes) -> None:
        if path != normpath(path) or path.startswith(("/", "..")):
            raise TrackingError(
                f"'{path}' cannot be an artifact; accepted: a relative path without '..' and '.'."
            )
        self._kept[path] = data


def _write(kept: Mapping[str, bytes], folder: Path) -> None:
    for path, data in kept.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
