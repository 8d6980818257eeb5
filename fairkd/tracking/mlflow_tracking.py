"""Runs in MLflow, through its client alone: the fluent functions keep a hidden current run."""

import getpass
import hashlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from pathlib import Path

from filelock import FileLock
from mlflow.entities import Experiment, Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from fairkd.errors import TrackingError
from fairkd.tracking.interface import JOB_KEY, SWEEP_ID
from fairkd.tracking.mlflow_database import (
    create,
    is_server,
    one_line,
    reaching,
    resolve_uri,
    sqlite_file,
    write_ahead,
)
from fairkd.tracking.mlflow_run import TAG_MOST, TrackedRun, shown
from fairkd.tracking.ownership import Owner, orphaned
from fairkd.tracking.slug import accepted

_log = logging.getLogger(__name__)

SUPERSEDED = "fairkd.superseded"
ERROR = "fairkd.error"
ENDED = "fairkd.ended"

# MLflow's pages have two views; the other one, its default, is about language models.
_VIEW = "workflowType=machine_learning"


class MlflowTracking:
    """A `Tracking` in one MLflow experiment.

    Args:
        uri: the tracking URI; None for ``MLFLOW_TRACKING_URI``, or else ``mlflow.db`` in the
            working folder, which is where a plain ``mlflow ui`` looks.
        artifacts: the folder for artifacts; None for ``mlartifacts`` beside an SQLite file, or in
            the working folder. A server decides for itself. An experiment keeps the folder it was
            made with.
        experiment: the experiment's name.
        locks: the folder of the locks that tell living runs from dead ones.

    Raises:
        TrackingError: ``uri`` is not a tracking store.
    """

    def __init__(
        self,
        uri: str | None = None,
        artifacts: Path | str | None = None,
        experiment: str = "fairkd",
        locks: Path | str = "locks",
    ) -> None:
        self.uri = resolve_uri(uri)
        self.experiment = experiment
        self._locks = Path(locks).absolute()
        file = sqlite_file(self.uri)
        beside = file.parent if file else Path.cwd()
        self._artifacts = Path(artifacts or beside / "mlartifacts").absolute()

    def prepare(self) -> None:
        """Migrate the database and make the experiment, one process at a time.

        Raises:
            TrackingError: the store cannot be reached or written, or the experiment was deleted.
        """
        _ = self._reached

    def reap(self) -> list[str]:
        """Mark as killed the running runs of this host whose process is gone; return their ids.

        Raises:
            TrackingError: the store cannot be reached or written.
        """
        with reaching(self.uri, "look for abandoned runs"):
            running = self._search("attributes.status = 'RUNNING'")
            return [run.info.run_id for run in running if self._end_if_orphaned(run)]

    def find(self, job_key: str, sweep_id: str | None = None) -> str | None:
        """The newest finished, not superseded run of a job in this sweep, or in none.

        Raises:
            TrackingError: the store cannot be reached.
        """
        for run in self._finished(job_key):
            if run.data.tags.get(SWEEP_ID) == sweep_id:
                return str(run.info.run_id)
        return None

    def supersede(self, job_key: str) -> list[str]:
        """Mark every finished run of a job as superseded, whatever its sweep; return their ids.

        Raises:
            TrackingError: the store cannot be reached or written.
        """
        superseded = [run.info.run_id for run in self._finished(job_key)]
        with reaching(self.uri, "mark superseded runs"):
            for run_id in superseded:
                self._client.set_tag(run_id, SUPERSEDED, "true")
        return superseded

    @contextmanager
    def start(
        self,
        name: str,
        params: Mapping[str, object],
        tags: Mapping[str, object],
        parent: str | None = None,
    ) -> Iterator[TrackedRun]:
        """A new run, open within the ``with``: see `Tracking.start`.

        Raises:
            TrackingError: the store cannot be reached or written. Where the block itself failed,
                that error is raised and trouble with ending the run only logged.
        """
        with reaching(self.uri, f"lock a run below {self._locks}"):
            owner = Owner(self._locks)
        with closing(owner):
            run = self._create(name, {**tags, **owner.tags}, parent)
            try:
                run.log_params(params)
                yield run
            except Exception as error:
                self._end_after(run, "FAILED", error)
                raise
            except BaseException as error:
                self._end_after(run, "KILLED", error)
                raise
            self._end(run, "FINISHED")

    def describe(self, run_id: str) -> str:
        """Where a person can see the run: an address, and the command that serves it if need be.

        Raises:
            TrackingError: the store cannot be reached.
        """
        page = f"#/experiments/{self._experiment_id}/runs/{run_id}?{_VIEW}"
        if is_server(self.uri):
            return f"{self.uri.rstrip('/')}/{page}"
        return f"mlflow ui --backend-store-uri {self.uri}, then http://127.0.0.1:5000/{page}"

    @property
    def _client(self) -> MlflowClient:
        return self._reached[0]

    @property
    def _experiment_id(self) -> str:
        return self._reached[1]

    @cached_property
    def _reached(self) -> tuple[MlflowClient, str]:
        digest = hashlib.sha256(self.uri.encode()).hexdigest()[:16]
        with (
            reaching(self.uri, "open the tracking store"),
            FileLock(self._locks / f"tracking-{digest}.lock"),
        ):
            file = sqlite_file(self.uri)
            if file is not None:
                create(file)
                write_ahead(file)
            client = MlflowClient(self.uri)  # migrates a database of an older MLflow
            return client, self._experiment_of(client)

    def _experiment_of(self, client: MlflowClient) -> str:
        found: Experiment | None = client.get_experiment_by_name(self.experiment)
        if found is None:
            where = None if is_server(self.uri) else self._artifacts.as_uri()
            try:
                return str(client.create_experiment(self.experiment, artifact_location=where))
            except MlflowException:
                # On a server, another host may have made it since.
                found = client.get_experiment_by_name(self.experiment)
                if found is None:
                    raise
        if found.lifecycle_stage != "active":
            raise TrackingError(
                f"The experiment '{self.experiment}' in {self.uri} was deleted; restore it with "
                f"'mlflow experiments restore -x {found.experiment_id}' or name another one in "
                "tracking.experiment."
            )
        return str(found.experiment_id)

    def _create(self, name: str, tags: Mapping[str, object], parent: str | None) -> TrackedRun:
        given = {accepted(key): shown(value, TAG_MOST) for key, value in tags.items()}
        if parent is not None:
            given["mlflow.parentRunId"] = parent
        with suppress(OSError, KeyError):  # a user number without a name
            given["mlflow.user"] = getpass.getuser()
        with reaching(self.uri, "start a run"):
            run = self._client.create_run(self._experiment_id, tags=given, run_name=name)
        return TrackedRun(self._client, self.uri, run.info.run_id)

    def _end(self, run: TrackedRun, status: str) -> None:
        with reaching(self.uri, "end a run"):
            self._client.set_terminated(run.run_id, status)

    def _end_after(self, run: TrackedRun, status: str, error: BaseException) -> None:
        try:
            run.set_tags({ERROR: f"{type(error).__name__}: {one_line(error)}"})
            self._end(run, status)
        except TrackingError as trouble:
            _log.warning("Run %s could not be marked %s: %s", run.run_id, status, trouble)

    def _end_if_orphaned(self, run: Run) -> bool:
        with orphaned(run.data.tags) as alone:
            if not alone:
                return False
            current = self._client.get_run(run.info.run_id)
            if current.info.status != "RUNNING":
                return False  # it ended between our search and our look at its lock
            self._client.set_tag(run.info.run_id, ENDED, "its process was gone")
            self._client.set_terminated(run.info.run_id, "KILLED")
            return True

    def _finished(self, job_key: str) -> list[Run]:
        with reaching(self.uri, "look for finished runs"):
            found = self._search(
                f"attributes.status = 'FINISHED' and tags.`{JOB_KEY}` = '{job_key}'"
            )
        return [run for run in found if SUPERSEDED not in run.data.tags]

    def _search(self, condition: str) -> list[Run]:
        found: list[Run] = []
        token: str | None = None
        while True:
            page = self._client.search_runs(
                [self._experiment_id],
                condition,
                order_by=["attributes.end_time DESC"],
                page_token=token,
            )
            found += page
            token = page.token
            if not token:
                return found
