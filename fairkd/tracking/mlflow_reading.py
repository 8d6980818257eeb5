"""Tracked runs read from MLflow, on this machine or from a store that came from another one."""

import gc
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow.artifacts import download_artifacts
from mlflow.entities import Run, ViewType
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.tracking import MlflowClient

from fairkd.errors import TrackingError, unknown_name
from fairkd.tracking.interface import SWEEP_ID, SWEEP_PARENT
from fairkd.tracking.mlflow_connection import tagged
from fairkd.tracking.mlflow_database import is_server, reaching, resolve_uri, sqlite_file, telling
from fairkd.tracking.mlflow_server import check_reachable
from fairkd.tracking.reading import Input, TrackedJob

if TYPE_CHECKING:
    from mlflow.entities import Experiment

_PAGE = 1000
_SHOWN = 5


class MlflowReading:
    """A `fairkd.tracking.reading.Reading` of one MLflow tracking store; it changes nothing.

    Args:
        uri: the tracking URI; as for `MlflowTracking`.
        experiment: the name of the only experiment to read; ``None`` for all that are not deleted.
        artifacts: the folder that artifacts are in now, where the store was moved; ``None`` looks
            where each run says, then in ``mlartifacts`` beside an SQLite file.

    Raises:
        TrackingError: ``uri`` is not a tracking store, or no store is there.
    """

    def __init__(
        self,
        uri: str | None = None,
        experiment: str | None = None,
        artifacts: Path | str | None = None,
    ) -> None:
        self.uri = resolve_uri(uri)
        self._experiment = experiment
        self._file = sqlite_file(self.uri)
        self._artifacts = None if artifacts is None else Path(artifacts).absolute()
        if self._file is not None and not self._file.exists():
            raise TrackingError(
                f"There is no tracking store {self._file}; give the one that the runs are in as "
                "tracking.uri=sqlite:///<path> or http://<server>, or run a job first."
            )

    def search(self, condition: str = "") -> list[TrackedJob]:
        """All runs that fulfil a condition in MLflow's words, the newest first, however many.

        Raises:
            TrackingError: the store cannot be reached, or the condition is not one.
        """
        found: list[TrackedJob] = []
        if not self._experiments:
            return found
        token: str | None = None
        while True:
            with self._asking("search for runs", condition), _not_collecting():
                page = self._client.search_runs(
                    list(self._experiments),
                    condition,
                    run_view_type=ViewType.ACTIVE_ONLY,
                    max_results=_PAGE,
                    order_by=["attributes.start_time DESC"],
                    page_token=token,
                )
            found += map(self._seen, page)
            token = page.token
            if not token:
                return found

    def run(self, run_id: str) -> TrackedJob:
        """One run by its id, or by the beginning of it where that is one run's alone.

        Raises:
            TrackingError: the store cannot be reached, or there is no such run or more than one.
        """
        try:
            with reaching(self.uri, f"read run {run_id}"):
                return self._seen(self._client.get_run(run_id))
        except TrackingError as error:
            if not isinstance(error.__cause__, MlflowException):
                raise
        # MLflow finds ids by their whole text alone.
        alike = [run for run in self.search() if run.run_id.startswith(run_id)]
        if len(alike) == 1:
            return alike[0]
        among = "".join(f"; {run.run_id} ({run.name})" for run in alike[:_SHOWN])
        raise TrackingError(
            f"run={run_id} is the beginning of {len(alike)} runs{among}; give more of it."
            if alike
            else f"There is no run {run_id} in {self.uri}; run ids are shown at a job's end, in "
            "jobs.csv of a sweep and in MLflow's pages."
        )

    def sweep(self, name: str) -> list[TrackedJob]:
        """The jobs of a sweep that count, the newest first.

        Args:
            name: the sweep's id, its own run's id or its own run's name; of several sweeps with one
                name the newest.

        Raises:
            TrackingError: the store cannot be reached, there is no such sweep, or no job of it is
                finished.
        """
        parents = self.search(f"tags.`{SWEEP_PARENT}` != ''")
        wanted = [run for run in parents if name in (run.sweep_id, run.run_id, run.name)]
        sweep_id = wanted[0].sweep_id if wanted else name
        jobs = [run for run in self.search(tagged(SWEEP_ID, sweep_id)) if run.counts]
        if jobs:
            return jobs
        if wanted:
            raise TrackingError(f"No job of sweep {name} is finished; run the sweep again.")
        known = list(dict.fromkeys(str(run.sweep_id) for run in parents))
        raise TrackingError(
            unknown_name("sweep", name, known[:_SHOWN])
            if known
            else f"There is no sweep in {self.uri}; run one with fairkd -m, or give runs by query=."
        )

    def paths(self, run: TrackedJob, folder: str = "") -> list[str]:
        """What lies in a folder of a run's artifacts, and in those below, sorted.

        Raises:
            TrackingError: the artifacts cannot be reached.
        """
        local = self._local(run)
        if local is not None:
            root = local / folder
            return sorted(
                file.relative_to(local).as_posix() for file in root.rglob("*") if file.is_file()
            )
        found: list[str] = []
        with reaching(self.uri, f"list the artifacts of run {run.run_id}"):
            repository = get_artifact_repository(run.artifacts)
            folders = [folder]
            while folders:
                for entry in repository.list_artifacts(folders.pop() or None):
                    (folders if entry.is_dir else found).append(entry.path)
        return sorted(found)

    def text(self, run: TrackedJob, path: str) -> str:
        """A text among a run's artifacts.

        Raises:
            TrackingError: it is not there or cannot be read.
        """
        local = self._local(run)
        with self._missing(run, path):
            if local is not None:
                return (local / path).read_text(encoding="utf-8")
            fetched = Path(download_artifacts(artifact_uri=f"{run.artifacts}/{path}"))
            return fetched.read_text(encoding="utf-8")

    def json(self, run: TrackedJob, path: str) -> Any:
        """What a JSON file among a run's artifacts holds.

        Raises:
            TrackingError: it is not there, cannot be read, or is not JSON.
        """
        try:
            return json.loads(self.text(run, path))
        except json.JSONDecodeError as error:
            raise TrackingError(f"{path} of run {run.run_id} is damaged: {error}.") from error

    def fetch(self, run: TrackedJob, path: str, into: Path) -> Path:
        """Copy a file or folder of a run's artifacts into a folder; its place there.

        Raises:
            TrackingError: it is not there, or cannot be copied.
        """
        local = self._local(run)
        with self._missing(run, path):
            into.mkdir(parents=True, exist_ok=True)
            if local is None:
                uri = f"{run.artifacts}/{path}"
                return Path(download_artifacts(artifact_uri=uri, dst_path=str(into)))
            source, target = local / path, into / Path(path).name
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True)
            else:
                shutil.copyfile(source, target)
            return target

    @cached_property
    def _client(self) -> MlflowClient:
        if is_server(self.uri):
            check_reachable(self.uri)
        with reaching(self.uri, "open the tracking store"):
            return MlflowClient(self.uri)

    @cached_property
    def _experiments(self) -> dict[str, str]:
        """Names by id."""
        found: list[Experiment] = []
        token: str | None = None
        while True:
            with reaching(self.uri, "read the experiments"):
                page = self._client.search_experiments(max_results=_PAGE, page_token=token)
            found += page
            token = page.token
            if not token:
                break
        names = {one.experiment_id: one.name for one in found}
        if self._experiment is None:
            return names
        wanted = {key: name for key, name in names.items() if name == self._experiment}
        if not wanted:
            known = sorted(names.values())
            raise TrackingError(unknown_name("experiment", self._experiment, known))
        return wanted

    def _seen(self, run: Run) -> TrackedJob:
        return TrackedJob(
            run_id=run.info.run_id,
            name=run.info.run_name or run.info.run_id,
            status=run.info.status,
            experiment=self._experiments.get(run.info.experiment_id, run.info.experiment_id),
            started=run.info.start_time or 0,
            params=dict(run.data.params),
            metrics=dict(run.data.metrics),
            tags=dict(run.data.tags),
            artifacts=run.info.artifact_uri,
            inputs=_inputs(run),
        )

    def _local(self, run: TrackedJob) -> Path | None:
        """The folder of a run's artifacts on this machine, if it is here."""
        folders = []
        if self._artifacts is not None:
            folders.append(self._artifacts / run.run_id / "artifacts")
        if run.artifacts.startswith(("file:", "/")):
            folders.append(Path(LocalArtifactRepository(run.artifacts).artifact_dir))
        if self._file is not None:
            folders.append(self._file.parent / "mlartifacts" / run.run_id / "artifacts")
        return next((folder for folder in folders if folder.is_dir()), None)

    @contextmanager
    def _missing(self, run: TrackedJob, path: str) -> Iterator[None]:
        try:
            with telling(self.uri, f"read {path} of run {run.run_id}"):
                yield
        except TrackingError as error:
            raise TrackingError(
                f"{path} of run {run.run_id} ({run.name}) cannot be read from {run.artifacts}: "
                f"{error.__cause__}. If the artifacts were moved, give their folder as "
                "tracking.artifacts."
            ) from error

    @contextmanager
    def _asking(self, purpose: str, condition: str) -> Iterator[None]:
        try:
            with reaching(self.uri, purpose):
                yield
        except TrackingError as error:
            cause = error.__cause__
            if isinstance(cause, MlflowException) and cause.error_code == "INVALID_PARAMETER_VALUE":
                raise TrackingError(
                    f"query={condition} is not a condition that MLflow understands: "
                    f"{str(cause).splitlines()[0]} Write it like \"tags.`fairkd.data` = 'adult' "
                    'and metrics.`test/accuracy` > 0.8".'
                ) from error
            raise


@contextmanager
def _not_collecting() -> Iterator[None]:
    """Put off looking for garbage: a run is a thousand objects that are all in use, and going
    through those of hundreds again and again takes as long as reading them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _inputs(run: Run) -> tuple[Input, ...]:
    return tuple(
        Input(one.dataset.name, one.dataset.digest, _rows(one.dataset.profile))
        for one in (run.inputs.dataset_inputs if run.inputs else ())
    )


def _rows(profile: str | None) -> int | None:
    """What `TrackedRun.log_input` wrote; other programs write other profiles."""
    try:
        return int(json.loads(profile or "{}")["num_rows"])
    except (ValueError, LookupError, TypeError):
        return None
