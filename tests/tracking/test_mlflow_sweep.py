"""What a sweep asks of tracking: which jobs are done, and its own run opened again."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from fairkd.errors import TrackingError
from fairkd.tracking import JOB_KEY, SWEEP_ID, SWEEP_PARENT
from fairkd.tracking.mlflow_tracking import MlflowTracking

Rows = Callable[..., list[tuple[Any, ...]]]

HOLD = """
import sys, time
from fairkd.tracking.mlflow_tracking import MlflowTracking
tracking = MlflowTracking(f"sqlite:///{sys.argv[1]}/mlflow.db", locks=f"{sys.argv[1]}/locks")
with tracking.resume(sys.argv[2]) as run:
    print("ready", flush=True)
    time.sleep(60)
"""

REAP = """
import sys
from fairkd.tracking.mlflow_tracking import MlflowTracking
tracking = MlflowTracking(f"sqlite:///{sys.argv[1]}/mlflow.db", locks=f"{sys.argv[1]}/locks")
tracking.prepare()
print("ready", flush=True)
sys.stdin.readline()
print(*tracking.reap())
"""


def job(tracking: MlflowTracking, key: str, sweep: str | None = None) -> str:
    tags = {JOB_KEY: key} if sweep is None else {JOB_KEY: key, SWEEP_ID: sweep}
    with tracking.start(key, {}, tags) as run:
        pass
    time.sleep(0.002)  # MLflow counts milliseconds
    return run.run_id


def status(rows: Rows, run_id: str) -> str:
    ((found,),) = rows("select status from runs where run_uuid = ?", run_id)
    return str(found)


def tags(rows: Rows, run_id: str) -> dict[str, str]:
    return dict(rows("select key, value from tags where run_uuid = ?", run_id))


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


def test_the_newest_finished_run_of_every_job_of_a_sweep(tracking: MlflowTracking) -> None:
    assert tracking.finished("s") == {}
    job(tracking, "a", "s")
    newest = {"a": job(tracking, "a", "s"), "b": job(tracking, "b", "s")}
    job(tracking, "a", "t")
    alone = {"a": job(tracking, "a"), "c": job(tracking, "c")}
    with pytest.raises(ZeroDivisionError), tracking.start("c", {}, {JOB_KEY: "c", SWEEP_ID: "s"}):
        raise ZeroDivisionError
    with tracking.start("parent", {}, {SWEEP_PARENT: "s", SWEEP_ID: "s"}):
        pass
    with tracking.start("d", {}, {JOB_KEY: "d", SWEEP_ID: "s"}):
        assert tracking.finished("s") == newest
    assert tracking.finished("s").keys() == {"a", "b", "d"}
    assert tracking.finished(None) == alone
    tracking.supersede("a")
    assert tracking.finished("s").keys() == {"b", "d"}
    assert tracking.finished(None).keys() == {"c"}
    assert tracking.finished("t") == {}


def test_hundreds_of_runs_are_found_over_several_pages(
    tracking: MlflowTracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = {key: job(tracking, key, "s") for key in "abcde"}
    search = MlflowClient.search_runs

    def two(self: MlflowClient, *args: Any, **kwargs: Any) -> Any:
        return search(self, *args, **kwargs, max_results=2)

    monkeypatch.setattr(MlflowClient, "search_runs", two)
    assert tracking.finished("s") == written


@pytest.mark.parametrize("sweep", ["it's", 'so "called"', "plain"])
def test_sweeps_may_have_quotes_in_their_names(tracking: MlflowTracking, sweep: str) -> None:
    run = job(tracking, "a", sweep)
    assert tracking.finished(sweep) == {"a": run}


def test_both_kinds_of_quotes_are_a_sentence(tracking: MlflowTracking) -> None:
    with pytest.raises(TrackingError, match="both kinds of quotes"):
        tracking.finished("'\"")


def test_the_parent_is_the_newest_whatever_became_of_it(tracking: MlflowTracking) -> None:
    assert tracking.parent_of("s") is None
    job(tracking, "a", "s")
    with tracking.start("old", {}, {SWEEP_PARENT: "s"}):
        time.sleep(0.002)
    with pytest.raises(KeyboardInterrupt), tracking.start("new", {}, {SWEEP_PARENT: "s"}) as new:
        raise KeyboardInterrupt
    assert tracking.parent_of("s") == new.run_id
    assert tracking.parent_of("t") is None


@pytest.mark.parametrize("ending", [None, ValueError("x"), KeyboardInterrupt()])
def test_a_resumed_run_ends_like_a_new_one(
    tracking: MlflowTracking, rows: Rows, tmp_path: Path, ending: BaseException | None
) -> None:
    def first() -> None:
        with tracking.start("parent", {"a": 1, "b": "x"}, {SWEEP_PARENT: "s"}) as run:
            run.log_metrics({"m": 1.0})
            run.log_text("1", "one.txt")
            if ending is not None:
                raise ending

    if ending is None:
        first()
    else:
        with pytest.raises(type(ending)):
            first()
    run_id = tracking.parent_of("s")
    assert run_id is not None
    assert status(rows, run_id) != "RUNNING"
    with tracking.resume(run_id) as run:
        assert run.run_id == run_id
        assert status(rows, run_id) == "RUNNING"
        assert "fairkd.error" not in tags(rows, run_id)
        assert Path(tags(rows, run_id)["fairkd.lock"]).exists()
        assert tracking.reap() == []
        run.log_params({"a": 1, "b": "x", "c": True})
        run.log_metrics({"m": 2.0}, step=1)
        run.log_text("2", "two.txt")
    assert status(rows, run_id) == "FINISHED"
    assert dict(rows("select key, value from params")) == {"a": "1", "b": "x", "c": "true"}
    assert rows("select key, value from latest_metrics") == [("m", 2.0)]
    folder = tmp_path / "mlartifacts" / run_id / "artifacts"
    assert sorted(path.name for path in folder.iterdir()) == ["one.txt", "two.txt"]
    with pytest.raises(ZeroDivisionError), tracking.resume(run_id):
        raise ZeroDivisionError
    assert status(rows, run_id) == "FAILED"
    assert tags(rows, run_id)["fairkd.error"].startswith("ZeroDivisionError")
    assert list((tmp_path / "locks").glob("run-*.lock")) == []


def test_a_resumed_run_keeps_its_parameters(tracking: MlflowTracking, rows: Rows) -> None:
    with tracking.start("parent", {"a": 1}, {}) as run:
        pass
    with (
        pytest.raises(TrackingError, match="Could not write a run's parameters"),
        tracking.resume(run.run_id) as again,
    ):
        again.log_params({"a": 2})
    assert rows("select key, value from params") == [("a", "1")]


def test_a_run_that_is_not_there_is_a_sentence(tracking: MlflowTracking) -> None:
    with (
        pytest.raises(TrackingError, match=r"Could not open run 0+ again in sqlite.+not found"),
        tracking.resume("0" * 32),
    ):
        pass


def test_a_run_in_use_is_refused_and_one_of_a_killed_process_taken(
    tracking: MlflowTracking, rows: Rows, tmp_path: Path
) -> None:
    with tracking.start("parent", {}, {SWEEP_PARENT: "s"}) as run:
        pass
    holder = start(HOLD, tmp_path, run.run_id)
    try:
        ready(holder)
        with (
            pytest.raises(TrackingError, match="is being written by another process"),
            tracking.resume(run.run_id),
        ):
            pass
        assert tracking.reap() == []
    finally:
        holder.kill()
        holder.communicate()
    assert status(rows, run.run_id) == "RUNNING"
    with tracking.resume(run.run_id):
        assert tracking.reap() == []
    assert status(rows, run.run_id) == "FINISHED"


def test_every_abandoned_run_is_reaped_by_one_of_many_processes(
    tracking: MlflowTracking, rows: Rows, tmp_path: Path
) -> None:
    tracking.prepare()
    client = MlflowClient(tracking.uri)
    abandoned = []
    for number in range(8):
        with tracking.start(f"r{number}", {}, {}) as run:
            pass
        client.update_run(run.run_id, "RUNNING")  # its lock is free
        abandoned.append(run.run_id)
    reapers = [start(REAP, tmp_path) for _ in range(2)]
    for reaper in reapers:
        ready(reaper)
    for reaper in reapers:
        assert reaper.stdin is not None
        reaper.stdin.write("go\n")
        reaper.stdin.flush()
    reaped = [reaper.communicate(timeout=60)[0].split() for reaper in reapers]
    assert sorted(reaped[0] + reaped[1]) == sorted(abandoned)
    assert rows("select status, count(*) from runs group by 1") == [("KILLED", 8)]
