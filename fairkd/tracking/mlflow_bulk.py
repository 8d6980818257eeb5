"""MLflow's own SQL store with two shortcuts, for hundreds of runs with hundreds of values each.

Writing: `MlflowClient` spends most of its time on making an object of every value before it inserts
them all at once anyway. For a run that has no values yet the same rows are inserted directly, in
MLflow's session and tables. Wherever that does not work, for whatever reason, nothing was written,
and MLflow's own way is taken.

Reading: a search gives every run with all its values, ten milliseconds a run. Ours only ever looks
at status and tags, so through this store a run comes without metrics and parameters.
"""

# mypy: disable-error-code="no-untyped-call"
# MLflow's store has no types.

import math
import os
import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlflow.entities import LoggedModelStatus, Metric, Param
from mlflow.store.tracking.dbmodels.models import (
    SqlInput,
    SqlLatestMetric,
    SqlLoggedModel,
    SqlLoggedModelMetric,
    SqlMetric,
    SqlParam,
    SqlRun,
)
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.tracking._tracking_service.utils import _tracking_store_registry
from sqlalchemy import event, insert, inspect, select
from sqlalchemy.orm import noload, selectinload

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_SCHEME = "fairkd+"
_PAGES = 4000
_NOT_IN_MODEL_NAMES = str.maketrans(dict.fromkeys("/:.%\"'", "_"))


class BulkStore(SqlAlchemyStore):
    """A store for a `MlflowClient` of our own, which finds it by `bulk_uri`."""

    def __init__(self, store_uri: str, artifact_uri: str | None) -> None:
        super().__init__(store_uri.removeprefix(_SCHEME), artifact_uri or "mlartifacts")
        event.listen(self.engine, "connect", _hasten)
        self.engine.dispose()  # connections made before

    @staticmethod
    def _get_eager_run_query_options() -> list[Any]:
        run = inspect(SqlRun).relationships
        return [
            noload(run.latest_metrics.class_attribute),
            noload(run.params.class_attribute),
            selectinload(run.tags.class_attribute),
        ]

    def _log_metrics(self, run_id: str, metrics: Sequence[Metric]) -> None:
        if not self._inserted(run_id, SqlLatestMetric, _metric_rows(run_id, metrics)):
            super()._log_metrics(run_id, metrics)

    def _log_params(self, run_id: str, params: Sequence[Param]) -> None:
        rows = [{"run_uuid": run_id, "key": param.key, "value": param.value} for param in params]
        if not self._inserted(run_id, SqlParam, {SqlParam: rows}):
            super()._log_params(run_id, params)

    def _inserted(self, run_id: str, decisive: Any, rows: dict[Any, list[dict[str, Any]]]) -> bool:
        """Insert the rows of each table if the run has none yet in the decisive one."""
        if not all(rows.values()):
            return False
        try:
            with self.ManagedSessionMaker(read_only=False) as session:
                any_there = select(decisive.key).where(decisive.run_uuid == run_id).limit(1)
                if session.execute(any_there).first() is not None:
                    return False
                for table, values in rows.items():
                    session.execute(insert(table.__table__), values)
            return True
        except Exception:
            return False  # rolled back; MLflow's own way says what is wrong, or does better

    def insert_logged_model(self, run_id: str, folder: str, numbers: Mapping[str, float]) -> None:
        """A folder of a run's artifacts as a model of its experiment, ready, and the run's output.

        MLflow's own way takes a transaction for each of these, and a second copy of the files.
        """
        moment = int(time.time() * 1000)
        model_id = f"m-{uuid.uuid4().hex}"
        with self.ManagedSessionMaker(read_only=False) as session:
            found = session.query(SqlRun).filter(SqlRun.run_uuid == run_id).one()
            of_model = {"model_id": model_id, "experiment_id": found.experiment_id}
            values: dict[Any, list[dict[str, Any]]] = {
                SqlLoggedModel: [
                    of_model
                    | {
                        "name": found.name.translate(_NOT_IN_MODEL_NAMES),
                        "artifact_location": f"{found.artifact_uri}/{folder}",
                        "creation_timestamp_ms": moment,
                        "last_updated_timestamp_ms": moment,
                        "status": LoggedModelStatus.READY.to_int(),
                        "lifecycle_stage": "active",
                        "source_run_id": run_id,
                    }
                ],
                SqlLoggedModelMetric: [
                    of_model
                    | {
                        "metric_name": name,
                        "metric_timestamp_ms": moment,
                        "metric_step": 0,
                        "metric_value": value,
                        "run_id": run_id,
                    }
                    for name, value in numbers.items()
                    if math.isfinite(value)
                ],
                SqlInput: [
                    {
                        "input_uuid": uuid.uuid4().hex,
                        "source_type": "RUN_OUTPUT",
                        "source_id": run_id,
                        "destination_type": "MODEL_OUTPUT",
                        "destination_id": model_id,
                        "step": 0,
                    }
                ],
            }
            for table, rows in values.items():
                if rows:
                    session.execute(insert(table.__table__), rows)


def insert_logged_model(
    client: "MlflowClient", run_id: str, folder: str, numbers: Mapping[str, float]
) -> None:
    """`BulkStore.insert_logged_model`, where the client has such a store.

    Args:
        client: where the run lives.
        run_id: the run's id.
        folder: of the run's artifacts.
        numbers: measured of the model, by name.
    """
    store = client._tracking_client.store
    if isinstance(store, BulkStore):
        store.insert_logged_model(run_id, folder, numbers)


def bulk_uri(uri: str) -> str:
    """The URI under which `MlflowClient` takes a `BulkStore` for an SQLite file.

    Where MLflow's workspaces are on, that needs another store of MLflow's: the URI stays as it is.
    """
    if os.environ.get("MLFLOW_ENABLE_WORKSPACES", "").lower() in ("true", "1"):
        return uri
    _tracking_store_registry.register(_SCHEME + "sqlite", BulkStore)
    return _SCHEME + uri


def _hasten(connection: sqlite3.Connection, _: object) -> None:
    """Spare write-ahead mode what it can do without.

    The log is moved into the database every 16 MB, not after every run, and only then does the disk
    have to have it: a process that dies loses nothing, a power cut the last runs.
    """
    if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
        connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES}")
        connection.execute("PRAGMA synchronous = NORMAL")


def _metric_rows(run_id: str, metrics: Sequence[Metric]) -> dict[Any, list[dict[str, Any]]]:
    """The rows of both metric tables, as MLflow writes them: no two alike, NaN as a marked 0."""
    distinct: dict[tuple[Any, ...], dict[str, Any]] = {}
    latest: dict[str, tuple[Any, ...]] = {}
    for metric in metrics:
        undefined = math.isnan(metric.value)
        value = 0.0 if undefined else metric.value
        order = (metric.step, metric.timestamp, value)
        identity = (metric.key, *order, undefined)
        distinct[identity] = {
            "run_uuid": run_id,
            "key": metric.key,
            "value": value,
            "timestamp": metric.timestamp,
            "step": metric.step,
            "is_nan": undefined,
        }
        if metric.key not in latest or order > latest[metric.key][1:4]:
            latest[metric.key] = identity
    return {
        SqlMetric: list(distinct.values()),
        SqlLatestMetric: [distinct[identity] for identity in latest.values()],
    }
