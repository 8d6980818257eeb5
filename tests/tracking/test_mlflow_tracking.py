import logging
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from fairkd.errors import TrackingError
from fairkd.tracking import JOB_KEY, SWEEP_ID, Tracking
from fairkd.tracking.mlflow_tracking import MlflowTracking

Rows = Callable[..., list[tuple[Any, ...]]]

FIRST_USE = """
import sys
from fairkd.tracking.mlflow_tracking import MlflowTracking
tracking = MlflowTracking(f"sqlite:///{sys.argv[1]}/mlflow.db", locks=f"{sys.argv[1]}/locks")
tracking.prepare()
with tracking.start(sys.argv[2], {"name": sys.argv[2]}, {}) as run:
    run.log_metrics({"x": 1.0})
"""

HOLD = """
import os, sys, time
from fairkd.tracking.mlflow_tracking import MlflowTracking
tracking = MlflowTracking(f"sqlite:///{sys.argv[1]}/mlflow.db", locks=f"{sys.argv[1]}/locks")
with tracking.start("held", {}, {}) as run:
    child = os.fork()
    if child:
        print(run.run_id, child, flush=True)
    time.sleep(60)
"""


def statuses(rows: Rows) -> dict[str, str]:
    return dict(rows("select name, status from runs"))


def tag(rows: Rows, run_id: str, key: str) -> str | None:
    found = rows("select value from tags where run_uuid = ? and key = ?", run_id, key)
    return found[0][0] if found else None


def test_it_is_a_tracking(tracking: MlflowTracking) -> None:
    described: Tracking = tracking
    assert described is tracking


def test_preparing_makes_experiment_and_write_ahead_mode(
    tracking: MlflowTracking, rows: Rows, tmp_path: Path
) -> None:
    tracking.prepare()
    tracking.prepare()
    assert rows("pragma journal_mode") == [("wal",)]
    assert rows("select artifact_location from experiments where name = 'fairkd'") == [
        ((tmp_path / "mlartifacts").as_uri(),)
    ]


def test_preparing_is_quiet_and_leaves_logging_as_it_was(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = logging.getLogger("mlflow").level
    MlflowTracking(f"sqlite:///{tmp_path}/mlflow.db", locks=tmp_path).prepare()
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("mlflow").level == before != logging.CRITICAL


@pytest.mark.slow
def test_four_processes_may_use_a_fresh_database_first(tmp_path: Path, rows: Rows) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", FIRST_USE, str(tmp_path), name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name in "abcd"
    ]
    assert [process.communicate(timeout=120)[0] for process in started] == [""] * 4
    assert [process.returncode for process in started] == [0] * 4
    assert statuses(rows) == dict.fromkeys("abcd", "FINISHED")
    assert rows("select count(*) from experiments where name = 'fairkd'") == [(1,)]


def test_the_uri_is_the_argument_then_the_environment_then_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert MlflowTracking().uri == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking.example:5000")
    assert MlflowTracking().uri == "http://tracking.example:5000"
    assert MlflowTracking("sqlite:///x/y.db").uri == f"sqlite:///{tmp_path}/x/y.db"


@pytest.mark.parametrize("uri", ["mlruns", "file:///tmp/mlruns", "ftp://x"])
def test_other_stores_are_refused(uri: str) -> None:
    with pytest.raises(TrackingError, match=rf"tracking\.uri={uri} is not a tracking store"):
        MlflowTracking(uri)


def test_paths_may_hold_spaces_and_signs(
    migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a b%20#?é"
    folder.mkdir()
    (folder / "mlflow.db").write_bytes(migrated.read_bytes())
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    tracking = MlflowTracking(locks="locks")
    with tracking.start("run", {}, {}) as run:
        run.log_text("x", "t.txt")
    connection = sqlite3.connect(folder / "mlflow.db")
    assert connection.execute("select name from runs").fetchall() == [("run",)]
    connection.close()
    assert (folder / "mlartifacts" / run.run_id / "artifacts" / "t.txt").read_text() == "x"


def test_a_run_that_ends_is_finished(tracking: MlflowTracking, rows: Rows, tmp_path: Path) -> None:
    with tracking.start("a", {"seed": 1}, {JOB_KEY: "k"}, parent="p" * 32) as run:
        assert statuses(rows) == {"a": "RUNNING"}
        assert len(list((tmp_path / "locks").glob("run-*.lock"))) == 1
    assert statuses(rows) == {"a": "FINISHED"}
    assert tag(rows, run.run_id, "mlflow.parentRunId") == "p" * 32
    assert tag(rows, run.run_id, JOB_KEY) == "k"
    assert rows("select key, value from params") == [("seed", "1")]
    assert list((tmp_path / "locks").glob("run-*.lock")) == []


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("first\nsecond"), "FAILED"),
        (KeyboardInterrupt(), "KILLED"),
        (SystemExit(1), "KILLED"),
    ],
)
def test_a_run_that_breaks_says_how(
    tracking: MlflowTracking, rows: Rows, error: BaseException, status: str
) -> None:
    with pytest.raises(type(error)) as raised, tracking.start("a", {}, {}) as run:
        raise error
    assert raised.value is error
    assert statuses(rows) == {"a": status}
    text = tag(rows, run.run_id, "fairkd.error")
    assert text is not None
    assert text.startswith(type(error).__name__)
    assert "second" not in text


def break_database(folder: Path) -> None:
    connection = sqlite3.connect(folder / "mlflow.db")
    connection.execute("drop table runs")
    connection.close()


def test_trouble_with_ending_never_hides_the_error(
    tracking: MlflowTracking, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        break_database(tmp_path)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), tracking.start("a", {}, {}):
        fail()
    assert "could not be marked FAILED: Could not write into a run in sqlite" in caplog.text


def test_trouble_with_ending_a_good_run_is_an_error(
    tracking: MlflowTracking, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TrackingError, match="Could not end a run"), tracking.start("a", {}, {}):
        break_database(tmp_path)
    assert "Traceback" not in "".join(capfd.readouterr())


def test_find_knows_sweeps_failures_and_superseded_runs(tracking: MlflowTracking) -> None:
    assert tracking.find("k") is None
    with pytest.raises(ValueError, match="x"), tracking.start("failed", {}, {JOB_KEY: "k"}):
        raise ValueError("x")
    with tracking.start("running", {}, {JOB_KEY: "k"}):
        assert tracking.find("k") is None
    with tracking.start("alone", {}, {JOB_KEY: "k"}) as alone:
        pass
    with tracking.start("swept", {}, {JOB_KEY: "k", SWEEP_ID: "s"}) as swept:
        pass
    newest = tracking.find("k")
    assert newest == alone.run_id
    assert tracking.find("k", "s") == swept.run_id
    assert tracking.find("k", "t") is None
    assert tracking.find("other") is None
    assert len(tracking.supersede("k")) == 3
    assert tracking.supersede("k") == []
    assert tracking.find("k") is None
    assert tracking.find("k", "s") is None
    with tracking.start("again", {}, {JOB_KEY: "k"}) as again:
        pass
    assert tracking.find("k") == again.run_id


def test_a_killed_process_is_reaped_though_its_forked_child_lives(
    tracking: MlflowTracking, rows: Rows, tmp_path: Path
) -> None:
    tracking.prepare()
    command = [sys.executable, "-W", "ignore", "-c", HOLD, str(tmp_path)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    run_id, child = holder.stdout.readline().split()
    try:
        with tracking.start("own", {}, {}):
            assert tracking.reap() == []
            holder.kill()
            holder.wait(timeout=10)
            assert tracking.reap() == [run_id]
            assert tracking.reap() == []
            assert statuses(rows) == {"held": "KILLED", "own": "RUNNING"}
    finally:
        os.kill(int(child), signal.SIGKILL)
        holder.stdout.close()
    assert tag(rows, run_id, "fairkd.ended") == "its process was gone"
    assert list((tmp_path / "locks").glob("run-*.lock")) == []


def test_runs_of_other_hosts_and_of_nobody_are_left_alone(
    tracking: MlflowTracking, rows: Rows, tmp_path: Path
) -> None:
    tracking.prepare()
    client = MlflowClient(tracking.uri)
    lock = str(tmp_path / "locks" / "gone.lock")
    for name, tags in {
        "elsewhere": {"fairkd.host": "another.example", "fairkd.lock": lock},
        "nobody": {},
    }.items():
        client.create_run(tracking._store.experiment_id, tags=tags, run_name=name)
    assert tracking.reap() == []
    assert set(statuses(rows).values()) == {"RUNNING"}


def test_describe_leads_to_the_page(tracking: MlflowTracking) -> None:
    tracking.prepare()
    page = f"#/experiments/{tracking._store.experiment_id}/runs/abc?workflowType=machine_learning"
    assert (
        tracking.describe("abc")
        == f"mlflow ui --backend-store-uri {tracking.uri}, then http://127.0.0.1:5000/{page}"
    )


def test_a_deleted_experiment_is_a_sentence(tracking: MlflowTracking, tmp_path: Path) -> None:
    tracking.prepare()
    MlflowClient(tracking.uri).delete_experiment(tracking._store.experiment_id)
    with pytest.raises(TrackingError, match=r"was deleted; restore it with 'mlflow experiments"):
        MlflowTracking(tracking.uri, locks=tmp_path).prepare()


def test_a_database_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        TrackingError, match=r"Could not open the tracking store in sqlite.+tracking\.uri"
    ):
        MlflowTracking(f"sqlite:///{tmp_path}/file/mlflow.db", locks=tmp_path).prepare()


def test_locks_that_cannot_be_made_are_told_by_the_key_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for locks in (tmp_path / "file", tmp_path / "file" / "store" / "locks"):
        tracking = MlflowTracking(f"sqlite:///{tmp_path}/x.db", locks=locks)
        with pytest.raises(TrackingError, match=rf"The folder {locks}.+: set paths\.store to"):
            tracking.prepare()
    assert not (tmp_path / "x.db").exists()


def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("not a database, but long enough to look at" * 50)
    with pytest.raises(TrackingError, match="file is not a database"):
        MlflowTracking(f"sqlite:///{tmp_path}/mlflow.db", locks=tmp_path).prepare()


def test_a_full_disk_is_a_sentence(tracking: MlflowTracking, tmp_path: Path) -> None:
    tracking.prepare()
    code = """
import resource, sys
from fairkd.errors import TrackingError
from fairkd.tracking.mlflow_tracking import MlflowTracking
tracking = MlflowTracking(f"sqlite:///{sys.argv[1]}/mlflow.db", locks=f"{sys.argv[1]}/locks")
try:
    with tracking.start("a", {}, {}) as run:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        run.log_text("x" * 100_000, "big.txt")
except TrackingError as error:
    print(error)
try:
    with tracking.start("a", {}, {}) as run:
        run.log_history([{"epoch": e, "a": e / 7} for e in range(5000)])
except TrackingError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert done.stdout.count("the disk is full") == 2
    assert done.stdout.count("set tracking.uri and tracking.artifacts to another disk") == 2
    assert "Traceback" not in done.stderr
