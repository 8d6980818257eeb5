"""The way to one MLflow experiment: made ready once, searched, and locked between processes."""

import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path

from filelock import FileLock
from mlflow.entities import Experiment, Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from fairkd.errors import TrackingError
from fairkd.tracking.mlflow_bulk import bulk_uri
from fairkd.tracking.mlflow_database import create, is_server, reaching, sqlite_file, write_ahead
from fairkd.tracking.mlflow_server import check_reachable
from fairkd.tracking.mlflow_view import VIEW, experiment_tags
from fairkd.tracking.ownership import Owner, sweep


class Connection:
    """A client and an experiment, made ready when they are first asked for.

    Args:
        uri: the tracking URI.
        experiment: the experiment's name; it is made if need be.
        artifacts: the absolute folder of a new experiment's artifacts; a server decides for itself.
        locks: the absolute folder of all locks.
    """

    def __init__(self, uri: str, experiment: str, artifacts: Path, locks: Path) -> None:
        self._uri = uri
        self._experiment = experiment
        self._artifacts = artifacts
        self._locks = locks

    def open(self) -> None:
        """Make everything ready, one process at a time.

        Raises:
            TrackingError: the store cannot be reached or written, or the experiment was deleted.
        """
        _ = self._opened

    @property
    def client(self) -> MlflowClient:
        """MLflow's client.

        Raises:
            TrackingError: as `open`.
        """
        return self._opened[0]

    @property
    def experiment_id(self) -> str:
        """The experiment's id.

        Raises:
            TrackingError: as `open`.
        """
        return self._opened[1]

    def search(self, condition: str, order: str = "attributes.end_time DESC") -> list[Run]:
        """All the experiment's runs that fulfil a condition, in the given order.

        Raises:
            TrackingError: as `open`.
            MlflowException: the search failed.
        """
        found: list[Run] = []
        token: str | None = None
        while True:
            page = self.client.search_runs(
                [self.experiment_id], condition, order_by=[order], page_token=token
            )
            found += page
            token = page.token
            if not token:
                return found

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold a lock of that name against all other processes.

        Raises:
            TrackingError: the folder of the locks cannot be written.
        """
        lock = FileLock(self._locks / f"{name}.lock")
        with self._writing_locks():
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def owner(self) -> Iterator[Owner]:
        """A new run's owner, for as long as the run is open.

        Raises:
            TrackingError: the folder of the locks cannot be written.
        """
        with self._writing_locks():
            owner = Owner(self._locks)
        with closing(owner):
            yield owner

    def sweep_locks(self) -> None:
        """Remove the locks of processes that died before their run was there."""
        sweep(self._locks)

    @contextmanager
    def _writing_locks(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TrackingError(
                f"The folder {self._locks}, where locks tell living runs from dead ones, cannot be "
                f"written ({error.strerror or error}). It is in the store unless tracking.locks "
                "says otherwise: set paths.store to a folder you can write."
            ) from error

    @cached_property
    def _opened(self) -> tuple[MlflowClient, str]:
        if is_server(self._uri):
            check_reachable(self._uri)
        digest = hashlib.sha256(self._uri.encode()).hexdigest()[:16]
        with self.lock(f"tracking-{digest}"), reaching(self._uri, "open the tracking store"):
            file = sqlite_file(self._uri)
            if file is None:
                client = MlflowClient(self._uri)
            else:
                create(file)
                write_ahead(file)
                client = MlflowClient(bulk_uri(self._uri))  # migrates one of an older MLflow
            return client, self._experiment_of(client)

    def _experiment_of(self, client: MlflowClient) -> str:
        found: Experiment | None = client.get_experiment_by_name(self._experiment)
        if found is None:
            where = None if is_server(self._uri) else self._artifacts.as_uri()
            try:
                made = client.create_experiment(self._experiment, where, experiment_tags())
                return str(made)
            except MlflowException:
                # On a server, another host may have made it since.
                found = client.get_experiment_by_name(self._experiment)
                if found is None:
                    raise
        if found.lifecycle_stage != "active":
            raise TrackingError(
                f"The experiment '{self._experiment}' in {self._uri} was deleted; restore it with "
                f"'mlflow experiments restore -x {found.experiment_id}' or name another one in "
                "tracking.experiment."
            )
        for key, value in experiment_tags().items():
            if found.tags.get(key) != value and (key == VIEW or key not in found.tags):
                client.set_experiment_tag(found.experiment_id, key, value)
        return str(found.experiment_id)


def tagged(key: str, value: str | None) -> str:
    """The condition that a run's tag has this value, or that it has no such tag.

    Raises:
        TrackingError: a value with both kinds of quotes, which MLflow cannot look for.
    """
    if value is None:
        return f"tags.`{key}` IS NULL"
    if "'" in value and '"' in value:
        raise TrackingError(f"{value} has both kinds of quotes; leave one of them out.")
    quote = '"' if "'" in value else "'"
    return f"tags.`{key}` = {quote}{value}{quote}"
