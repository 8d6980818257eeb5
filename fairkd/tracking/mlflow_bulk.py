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
from collections.abc import Sequence
from typing import Any

from mlflow.entities import Metric, Param
from mlflow.store.tracking.dbmodels.models import (
    SqlLatestMetric,
    SqlMetric,
    SqlParam,
    SqlRun,
)
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.tracking._tracking_service.utils import _tracking_store_registry
from sqlalchemy import event, insert, inspect, select
from sqlalchemy.orm import noload, selectinload

_SCHEME = "fairkd+"
_PAGES = 4000


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
