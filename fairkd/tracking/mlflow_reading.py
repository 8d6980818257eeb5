"""Tracked runs read from MLflow, on this machine or from a store that came from another one."""

import json
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow.entities import LifecycleStage, Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from fairkd.errors import TrackingError, unknown_name
from fairkd.tracking.interface import SWEEP_ID, SWEEP_PARENT
from fairkd.tracking.mlflow_bulk import bulk_uri
from fairkd.tracking.mlflow_connection import tagged
from fairkd.tracking.mlflow_database import (
    is_server,
    reaching,
    resolve_uri,
    sqlite_file,
    without_password,
)
from fairkd.tracking.mlflow_search import PAGE, not_collecting, searched, seen
from fairkd.tracking.mlflow_server import check_reachable
from fairkd.tracking.mlflow_stored import StoredArtifacts
from fairkd.tracking.mlflow_view import VIEW, address
from fairkd.tracking.reading import TrackedJob

if TYPE_CHECKING:
    from mlflow.entities import Experiment

_SHOWN = 5
_ID = re.compile(r"[0-9a-f]{32}")
_START = re.compile(r"[0-9a-f]{0,31}")
_NOT_THERE = "RESOURCE_DOES_NOT_EXIST"


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
        self._shown_uri = without_password(self.uri)
        folder = None if artifacts is None else Path(artifacts).absolute()
        self._stored = StoredArtifacts(self.uri, folder)
        file = sqlite_file(self.uri)
        if file is not None and not file.exists():
            raise TrackingError(
                f"There is no tracking store {file}; give the one that the runs are in as "
                "tracking.uri=sqlite:///<path> or http://<server>, or run a job first."
            )

    def pages(self) -> dict[str, str]:
        """The addresses of the experiments' runs, after the server's part, by experiment.

        Without an experiment's name: of those that fairkd has written to.

        Raises:
            TrackingError: the store cannot be reached.
        """
        return {
            one.name: address(one.experiment_id, one.tags)
            for one in self._experiments.values()
            if self._experiment is not None or VIEW in one.tags
        }

    def search(self, condition: str = "") -> list[TrackedJob]:
        """All runs that fulfil a condition in MLflow's words, the newest first, however many.

        Raises:
            TrackingError: the store cannot be reached, or the condition is not one.
        """
        with not_collecting():
            return [*map(self._seen, self._searched(self._client, condition))]

    def run(self, run_id: str) -> TrackedJob:
        """One run by its id, or by the beginning of it where that is one run's alone.

        Raises:
            TrackingError: the store cannot be reached, or there is no such run or more than one;
                one in MLflow's trash, or of another experiment, is none.
        """
        alike = [run_id] if _ID.fullmatch(run_id) else self._beginning_with(run_id)
        if len(alike) > 1:
            named = (self._read(one) for one in alike[:_SHOWN])
            among = "".join(f"; {run.run_id} ({run.name})" for run in named if run is not None)
            raise TrackingError(
                f"run={run_id} is the beginning of {len(alike)} runs{among}; give more of it."
            )
        found = self._read(alike[0]) if alike else None
        if found is None:
            where = "" if self._experiment is None else f"experiment {self._experiment} of "
            raise TrackingError(
                f"There is no run {run_id} in {where}{self._shown_uri}; run ids are shown at a "
                "job's end, in jobs.csv of a sweep and in MLflow's pages."
            )
        return found

    def sweep(self, name: str) -> list[TrackedJob]:
        """All runs of a sweep's jobs, whatever became of them, the newest first.

        Args:
            name: the sweep's id, its own run's id or its own run's name; of several sweeps with one
                name the newest.

        Raises:
            TrackingError: the store cannot be reached, or there is no such sweep.
        """
        known = self.search(f"tags.`{SWEEP_PARENT}` != ''")
        wanted = [run for run in known if name in (run.sweep_id, run.run_id, run.name)]
        jobs = self.search(tagged(SWEEP_ID, wanted[0].sweep_id if wanted else name))
        if jobs or wanted:
            return [run for run in jobs if not run.is_sweep]
        ids = list(dict.fromkeys(str(run.sweep_id) for run in known))
        raise TrackingError(
            unknown_name("sweep", name, ids[:_SHOWN])
            if ids
            else f"There is no sweep in {self._shown_uri}; run one with fairkd -m, or give runs by "
            "query=."
        )

    def parents(self, sweep_id: str) -> list[TrackedJob]:
        """The sweep's own runs, the newest first.

        Raises:
            TrackingError: the store cannot be reached.
        """
        return self.search(tagged(SWEEP_PARENT, sweep_id))

    def has(self, run: TrackedJob, path: str) -> bool:
        """Whether a file is among a run's artifacts.

        Raises:
            TrackingError: the artifacts cannot be reached.
        """
        return self._stored.has(run, path)

    def place(self, run: TrackedJob) -> str:
        """The URI that a run's artifacts are at now."""
        return self._stored.place(run)

    def text(self, run: TrackedJob, path: str) -> str:
        """A text among a run's artifacts.

        Raises:
            TrackingError: it is not there or cannot be read.
        """
        return self._stored.text(run, path)

    def folder(self, run: TrackedJob, path: str, into: Path) -> Path:
        """A folder of a run's artifacts on this machine, brought into another where it is not.

        Raises:
            TrackingError: it is not there or cannot be read.
        """
        return self._stored.folder(run, path, into)

    def json(self, run: TrackedJob, path: str) -> Any:
        """What a JSON file among a run's artifacts holds.

        Raises:
            TrackingError: it is not there, cannot be read, or is not JSON.
        """
        try:
            return json.loads(self.text(run, path))
        except json.JSONDecodeError as error:
            raise TrackingError(f"{path} of run {run.run_id} is damaged: {error}.") from error

    @cached_property
    def _client(self) -> MlflowClient:
        if is_server(self.uri):
            check_reachable(self.uri)
        with reaching(self.uri, "open the tracking store"):
            return MlflowClient(self.uri)

    @cached_property
    def _experiments(self) -> "dict[str, Experiment]":
        """By id."""
        found: list[Experiment] = []
        token: str | None = None
        while True:
            with reaching(self.uri, "read the experiments"):
                page = self._client.search_experiments(max_results=PAGE, page_token=token)
            found += page
            token = page.token
            if not token:
                break
        known = sorted(one.name for one in found)
        if self._experiment is None:
            return {one.experiment_id: one for one in found}
        found = [one for one in found if one.name == self._experiment]
        if not found:
            raise TrackingError(unknown_name("experiment", self._experiment, known))
        return {one.experiment_id: one for one in found}

    def _searched(self, client: MlflowClient, condition: str) -> Iterator[Run]:
        return searched(client, self.uri, list(self._experiments), condition)

    def _read(self, run_id: str) -> TrackedJob | None:
        """One run by its whole id; ``None`` where there is none that a search would find."""
        try:
            with reaching(self.uri, f"read run {run_id}"):
                run = self._client.get_run(run_id)
        except TrackingError as error:
            cause = error.__cause__
            if isinstance(cause, MlflowException) and cause.error_code == _NOT_THERE:
                return None
            raise
        is_there = run.info.lifecycle_stage == LifecycleStage.ACTIVE
        return self._seen(run) if is_there and run.info.experiment_id in self._experiments else None

    def _beginning_with(self, start: str) -> list[str]:
        """The ids of all runs that begin so, the newest first, without what the runs measured."""
        if not _START.fullmatch(start):
            return []
        client = self._client
        if sqlite_file(self.uri) is not None:
            client = MlflowClient(bulk_uri(self.uri))
        condition = f"attributes.run_id LIKE '{start}%'"
        return [str(run.info.run_id) for run in self._searched(client, condition)]

    def _seen(self, run: Run) -> TrackedJob:
        experiment = self._experiments.get(run.info.experiment_id)
        return seen(run, run.info.experiment_id if experiment is None else experiment.name)
