"""The shortcut writes the rows that MLflow itself writes."""

import math
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from fairkd.tracking.mlflow_bulk import BulkStore, bulk_uri
from fairkd.tracking.mlflow_database import sqlite_file
from fairkd.tracking.mlflow_tracking import MlflowTracking

Rows = Callable[..., list[tuple[Any, ...]]]
METRICS = (
    "select key, value, timestamp, step, is_nan from {} where run_uuid = ? order by 1, 2, 3, 4"
)
BATCHES = {
    "one step": [[("a", 1.5, 7, 0), ("b", -2.0, 7, 0)]],
    "nan": [[("a", math.nan, 7, 0), ("a", 0.0, 7, 0), ("b", math.nan, 7, 1), ("b", 1.0, 7, 0)]],
    "alike": [[("a", 1.0, 7, 0), ("a", 1.0, 7, 0), ("a", math.nan, 7, 1), ("a", math.nan, 7, 1)]],
    "order": [[("a", 3.0, 9, 2), ("a", 1.0, 7, 5), ("a", 2.0, 8, 5), ("a", 4.0, 8, 5)]],
    "negative": [[("a", 1.0, 7, -3), ("a", -1.0, 7, -3)]],
    "twice": [[("a", 1.0, 7, 1), ("b", 1.0, 7, 1)], [("a", 0.5, 8, 0), ("c", 1.0, 7, 0)]],
    "again": [[("a", 1.0, 7, 1)], [("a", 1.0, 7, 1), ("a", 2.0, 7, 1)]],
    "many": [[(f"m{n % 90}", n / 7, n % 5, n // 90) for n in range(2500)]],
}


@pytest.fixture
def clients(tracking: MlflowTracking) -> tuple[MlflowClient, MlflowClient]:
    tracking.prepare()
    bulk = MlflowClient(bulk_uri(tracking.uri))
    assert isinstance(bulk._tracking_client.store, BulkStore)
    return MlflowClient(tracking.uri), bulk


def made(client: MlflowClient, tracking: MlflowTracking) -> str:
    return str(client.create_run(tracking._store.experiment_id).info.run_id)


@pytest.mark.parametrize("name", BATCHES)
def test_metrics_are_those_of_mlflow(
    tracking: MlflowTracking, clients: tuple[MlflowClient, MlflowClient], rows: Rows, name: str
) -> None:
    written = []
    for client in clients:
        run = made(client, tracking)
        for batch in BATCHES[name]:
            client.log_batch(run, metrics=[Metric(*values) for values in batch])
        tables = ("metrics", "latest_metrics")
        written.append([rows(METRICS.format(table), run) for table in tables])
    assert written[0] == written[1]
    assert len(written[0][0]) > 0


def test_parameters_are_those_of_mlflow(
    tracking: MlflowTracking, clients: tuple[MlflowClient, MlflowClient], rows: Rows
) -> None:
    written = []
    for client in clients:
        run = made(client, tracking)
        client.log_batch(run, params=[Param("a", "1"), Param("b", "")])
        client.log_batch(run, params=[Param("a", "1"), Param("c", "é" * 6000)])
        with pytest.raises(MlflowException, match="Changing param values is not allowed"):
            client.log_batch(run, params=[Param("a", "2"), Param("d", "4")])
        written.append(rows("select key, value from params where run_uuid = ? order by 1", run))
    assert written[0] == written[1]
    assert [key for key, _ in written[0]] == ["a", "b", "c"]


def test_what_mlflow_refuses_is_refused(
    tracking: MlflowTracking, clients: tuple[MlflowClient, MlflowClient], rows: Rows
) -> None:
    for client in clients:
        with pytest.raises(MlflowException, match="not found"):
            client.log_batch("0" * 32, metrics=[Metric("a", 1.0, 7, 0)])
        run = made(client, tracking)
        with pytest.raises(MlflowException, match="Invalid value"):
            client.log_batch(run, metrics=[Metric("a", 1.0, 7, 0), Metric("a<b", 1.0, 7, 0)])
        client.delete_run(run)
        with pytest.raises(MlflowException, match="active"):
            client.log_batch(run, metrics=[Metric("a", 1.0, 7, 0)])
    assert rows("select count(*) from metrics") == [(0,)]


def test_runs_are_read_with_status_and_tags_alone(
    tracking: MlflowTracking, clients: tuple[MlflowClient, MlflowClient]
) -> None:
    plain, bulk = clients
    run = made(plain, tracking)
    plain.log_batch(
        run, metrics=[Metric("a", 1.0, 7, 0)], params=[Param("p", "1")], tags=[RunTag("t", "x")]
    )
    (found,) = bulk.search_runs([tracking._store.experiment_id], "params.p = '1'")
    for read in (found, bulk.get_run(run)):
        assert (read.data.metrics, read.data.params) == ({}, {})
        assert read.data.tags == plain.get_run(run).data.tags
        assert read.info.status == "RUNNING"
    bulk.update_run(run, "KILLED")
    bulk.set_tag(run, "t", "y")
    after = plain.get_run(run)
    assert (after.data.metrics, after.data.params) == ({"a": 1.0}, {"p": "1"})
    assert (after.data.tags["t"], after.info.status) == ("y", "KILLED")


def test_it_is_a_shortcut(
    tracking: MlflowTracking, clients: tuple[MlflowClient, MlflowClient]
) -> None:
    batch = [Metric(f"m{n}", n / 7, 7, 0) for n in range(900)]
    seconds = []
    for client in clients:
        runs = [made(client, tracking) for _ in range(4)]
        started = time.process_time()
        for run in runs:
            client.log_batch(run, metrics=batch)
        seconds.append(time.process_time() - started)
    assert seconds[1] < 0.8 * seconds[0]  # about a third; an MLflow that goes another way is seen


@pytest.mark.parametrize(("mode", "synchronous"), [("wal", 1), ("delete", 2)])
def test_only_in_write_ahead_mode_commits_do_not_wait_for_the_disk(
    tracking: MlflowTracking, tmp_path: Path, mode: str, synchronous: int
) -> None:
    tracking.prepare()
    file = sqlite_file(tracking.uri)
    assert file is not None
    tracking._store.client._tracking_client.store.engine.dispose()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute(f"pragma journal_mode={mode}").fetchone() == (mode,)
    store = BulkStore(bulk_uri(tracking.uri), str(tmp_path))
    with store.engine.connect() as connection:
        found = connection.exec_driver_sql("pragma synchronous").scalar()
    store.engine.dispose()
    assert found == synchronous
