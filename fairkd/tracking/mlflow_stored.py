"""The artifacts of runs that have ended, wherever they are now."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from mlflow.artifacts import download_artifacts
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from fairkd.errors import TrackingError
from fairkd.tracking.mlflow_database import reaching, sqlite_file, telling
from fairkd.tracking.reading import TrackedJob


class StoredArtifacts:
    """What lies among the artifacts of the runs of one tracking store; nothing is changed.

    Args:
        uri: of the tracking store, resolved.
        folder: that artifacts are in now, where the store was moved; ``None`` looks where each run
            says, then in ``mlartifacts`` beside an SQLite file.
    """

    def __init__(self, uri: str, folder: Path | None) -> None:
        self._uri = uri
        self._folder = folder
        self._file = sqlite_file(uri)

    def has(self, run: TrackedJob, path: str) -> bool:
        """Whether a file is there.

        Raises:
            TrackingError: the artifacts cannot be reached.
        """
        local = self._local(run)
        if local is not None:
            return (local / path).is_file()
        parent = str(PurePosixPath(path).parent)
        with reaching(self._uri, f"list the artifacts of run {run.run_id}"):
            repository = get_artifact_repository(run.artifacts)
            listed = repository.list_artifacts(None if parent == "." else parent)
        return any(entry.path == path and not entry.is_dir for entry in listed)

    def place(self, run: TrackedJob) -> str:
        """The URI of the folder that they are in now."""
        local = self._local(run)
        return run.artifacts if local in (None, _own(run)) else str(local.as_uri())

    def text(self, run: TrackedJob, path: str) -> str:
        """What is in a text.

        Raises:
            TrackingError: it is not there or cannot be read.
        """
        local = self._local(run)
        with self._missing(run, path):
            if local is not None:
                return (local / path).read_text(encoding="utf-8")
            fetched = Path(download_artifacts(artifact_uri=f"{run.artifacts}/{path}"))
            return fetched.read_text(encoding="utf-8")

    def folder(self, run: TrackedJob, path: str, into: Path) -> Path:
        """A folder on this machine, brought into another where it is not.

        Raises:
            TrackingError: it is not there or cannot be read.
        """
        local = self._local(run)
        with self._missing(run, path):
            if local is None:
                uri = f"{run.artifacts}/{path}"
                return Path(download_artifacts(artifact_uri=uri, dst_path=str(into)))
            (local / path).stat()
            return local / path

    def _local(self, run: TrackedJob) -> Path | None:
        """The folder of a run's artifacts on this machine, if it is here."""
        folders = [_own(run)]
        if self._folder is not None:
            folders.insert(0, self._folder / run.run_id / "artifacts")
        if self._file is not None:
            folders.append(self._file.parent / "mlartifacts" / run.run_id / "artifacts")
        return next((one for one in folders if one is not None and one.is_dir()), None)

    @contextmanager
    def _missing(self, run: TrackedJob, path: str) -> Iterator[None]:
        try:
            with telling(self._uri, f"read {path} of run {run.run_id}"):
                yield
        except TrackingError as error:
            raise TrackingError(
                f"{path} of run {run.run_id} ({run.name}) cannot be read from {run.artifacts}: "
                f"{error.__cause__}. If the artifacts were moved, give their folder as "
                "tracking.artifacts."
            ) from error


def _own(run: TrackedJob) -> Path | None:
    """The local folder that a run itself names."""
    if not run.artifacts.startswith(("file:", "/")):
        return None
    return Path(LocalArtifactRepository(run.artifacts).artifact_dir)
