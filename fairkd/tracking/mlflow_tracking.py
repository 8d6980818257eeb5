"""Runs in MLflow, through its client alone: the fluent functions keep a hidden current run."""

import getpass
import logging
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from mlflow.entities import Run, RunTag

from fairkd.errors import TrackingError
from fairkd.tracking.interface import JOB_KEY, SWEEP_ID, SWEEP_PARENT
from fairkd.tracking.mlflow_connection import Connection, tagged
from fairkd.tracking.mlflow_database import (
    is_server,
    one_line,
    reaching,
    resolve_uri,
    sqlite_file,
)
from fairkd.tracking.mlflow_run import TrackedRun
from fairkd.tracking.mlflow_values import TAG_MOST, shown
from fairkd.tracking.ownership import LOCK, Owner, orphaned
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
        file = sqlite_file(self.uri)
        beside = file.parent if file else Path.cwd()
        self._store = Connection(
            self.uri,
            experiment,
            Path(artifacts or beside / "mlartifacts").absolute(),
            Path(locks).absolute(),
        )

    def prepare(self) -> None:
        """Migrate the database and make the experiment, one process at a time.

        Raises:
            TrackingError: the store cannot be reached or written, or the experiment was deleted.
        """
        self._store.open()

    def reap(self) -> list[str]:
        """Mark as killed the running runs of this host whose process is gone; return their ids.

        Raises:
            TrackingError: the store cannot be reached or written.
        """
        with reaching(self.uri, "look for abandoned runs"):
            running = self._store.search("attributes.status = 'RUNNING'")
            ended = [run.info.run_id for run in running if self._end_if_orphaned(run)]
        self._store.sweep_locks()
        return ended

    def find(self, job_key: str, sweep_id: str | None = None) -> str | None:
        """The newest finished, not superseded run of a job in this sweep, or in none.

        Raises:
            TrackingError: the store cannot be reached.
        """
        for run in self._finished(tagged(JOB_KEY, job_key)):
            if run.data.tags.get(SWEEP_ID) == sweep_id:
                return str(run.info.run_id)
        return None

    def finished(self, sweep_id: str | None) -> dict[str, str]:
        """The newest finished, not superseded run of every job of a sweep, or of none, by job key.

        Raises:
            TrackingError: the store cannot be reached.
        """
        newest: dict[str, str] = {}
        for run in self._finished(tagged(SWEEP_ID, sweep_id)):
            if JOB_KEY in run.data.tags:
                newest.setdefault(run.data.tags[JOB_KEY], str(run.info.run_id))
        return newest

    def parent_of(self, sweep_id: str) -> str | None:
        """The newest run with the tag `SWEEP_PARENT` of this sweep, whatever became of it.

        Raises:
            TrackingError: the store cannot be reached.
        """
        with reaching(self.uri, "look for a sweep's run"):
            found = self._store.search(tagged(SWEEP_PARENT, sweep_id), "attributes.start_time DESC")
        return str(found[0].info.run_id) if found else None

    def supersede(self, job_key: str) -> list[str]:
        """Mark every finished run of a job as superseded, whatever its sweep; return their ids.

        Raises:
            TrackingError: the store cannot be reached or written.
        """
        superseded = [run.info.run_id for run in self._finished(tagged(JOB_KEY, job_key))]
        if not superseded:
            return []
        with reaching(self.uri, "mark superseded runs"):
            for run_id in superseded:
                self._store.client.set_tag(run_id, SUPERSEDED, "true")
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
        with self._store.owner() as owner:
            run = self._create(name, {**tags, **owner.tags}, parent)
            with self._ending(run):
                run.log_params(params)
                yield run

    @contextmanager
    def resume(self, run_id: str) -> Iterator[TrackedRun]:
        """A run that has ended, open again within the ``with``: see `Tracking.resume`.

        Raises:
            TrackingError: as `start`; or there is no such run, or a living process writes it.
        """
        with self._store.owner() as owner:
            run = self._reopen(run_id, owner)
            with self._ending(run):
                yield run

    def describe(self, run_id: str) -> str:
        """Where a person can see the run: an address, and the command that serves it if need be.

        Raises:
            TrackingError: the store cannot be reached.
        """
        page = f"#/experiments/{self._store.experiment_id}/runs/{run_id}?{_VIEW}"
        if is_server(self.uri):
            return f"{self.uri.rstrip('/')}/{page}"
        return f"mlflow ui --backend-store-uri {self.uri}, then http://127.0.0.1:5000/{page}"

    def _create(self, name: str, tags: Mapping[str, object], parent: str | None) -> TrackedRun:
        given = {accepted(key): shown(value, TAG_MOST) for key, value in tags.items()}
        if parent is not None:
            given["mlflow.parentRunId"] = parent
        with suppress(OSError, KeyError):  # a user number without a name
            given["mlflow.user"] = getpass.getuser()
        with reaching(self.uri, "start a run"):
            run = self._store.client.create_run(
                self._store.experiment_id, tags=given, run_name=name
            )
        return TrackedRun(self._store.client, self.uri, run.info.run_id, run.info.artifact_uri)

    def _reopen(self, run_id: str, owner: Owner) -> TrackedRun:
        """Give an ended run a new owner, and only then open it: it is never open without one."""
        with self._store.lock(f"resume-{run_id}"), reaching(self.uri, f"open run {run_id} again"):
            before = self._store.client.get_run(run_id)
            with orphaned(before.data.tags) as alone:
                if before.info.status == "RUNNING" and not alone:
                    raise TrackingError(
                        f"Run {run_id} in {self.uri} is being written by another process; wait "
                        "for it to end, or end it, and run the command again."
                    )
                tags = [RunTag(key, value) for key, value in owner.tags.items()]
                self._store.client.log_batch(run_id, tags=tags)
                for key in {ERROR, ENDED} & before.data.tags.keys():
                    self._store.client.delete_tag(run_id, key)
                self._store.client.update_run(run_id, "RUNNING")
        return TrackedRun(self._store.client, self.uri, run_id, before.info.artifact_uri)

    @contextmanager
    def _ending(self, run: TrackedRun) -> Iterator[None]:
        with closing(run):
            try:
                yield
                run.flush()
            except Exception as error:
                self._end_after(run, "FAILED", error)
                raise
            except BaseException as error:
                self._end_after(run, "KILLED", error)
                raise
            self._end(run, "FINISHED")

    def _end(self, run: TrackedRun, status: str) -> None:
        with reaching(self.uri, "end a run"):
            self._store.client.set_terminated(run.run_id, status)

    def _end_after(self, run: TrackedRun, status: str, error: BaseException) -> None:
        try:
            run.flush()
        except TrackingError as trouble:
            _log.warning("What run %s measured last is lost: %s", run.run_id, trouble)
        try:
            run.set_tags({ERROR: f"{type(error).__name__}: {one_line(error)}"})
            run.flush()
            self._end(run, status)
        except TrackingError as trouble:
            _log.warning("Run %s could not be marked %s: %s", run.run_id, status, trouble)

    def _end_if_orphaned(self, run: Run) -> bool:
        with orphaned(run.data.tags) as alone:
            if not alone:
                return False
            current = self._store.client.get_run(run.info.run_id)
            if current.info.status != "RUNNING" or current.data.tags[LOCK] != run.data.tags[LOCK]:
                return False  # between our search and our look at its lock it ended, or went on
            self._store.client.set_tag(run.info.run_id, ENDED, "its process was gone")
            self._store.client.set_terminated(run.info.run_id, "KILLED")
            return True

    def _finished(self, condition: str) -> list[Run]:
        """Finished, not superseded runs, the newest first."""
        with reaching(self.uri, "look for finished runs"):
            found = self._store.search(f"attributes.status = 'FINISHED' and {condition}")
        return [run for run in found if SUPERSEDED not in run.data.tags]
