"""How sweeps end: interrupted, on a full disk, refused, small, in batches, done before."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

INTERRUPTED = "Interrupted. What was finished is in the store; the same command goes on from there."
GRID = ("-m", "distillation.temperature=1,2,4,8", "constraint.weight=0,0.3")
LONG = (*GRID, "trainer.max_epochs=300")
PROCESSES = {"in one process": (), "in two processes": ("hydra.launcher.n_jobs=2",)}
KINDS = ("teacher", "control", "student", "job")


def tables(name: str) -> list[pd.DataFrame]:
    """The tables of that name of all sweeps, the oldest first."""
    found = sorted(Path("multirun").rglob(name), key=lambda path: path.stat().st_mtime_ns)
    return [pd.read_csv(path) for path in found]


def counts(place) -> dict[str, int]:
    return {kind: len(place.kept(kind)) for kind in KINDS}


def running(place) -> int:
    return int(place.ask("select count(*) from runs where status = 'RUNNING'")[0][0])


def group(number: int) -> list[list[str]]:
    """What the living processes of a process group do."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == number and process.status() != psutil.STATUS_ZOMBIE:
                line = process.cmdline()
                if not line:  # its memory is gone already, and so it is in a moment
                    see_the_end_of(process)
                else:
                    found.append(line)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


def see_the_end_of(process: psutil.Process) -> None:
    deadline = time.monotonic() + 5
    while process.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, process
        time.sleep(0.05)


def started(place, *words: str) -> "subprocess.Popen[str]":
    """A sweep that takes minutes, as soon as its students train."""
    process = place.start(*LONG, *words)
    deadline = time.monotonic() + 120
    while not list((place.folder / "store" / "control").glob("*/entry.json")):
        assert process.poll() is None, place.finish(process)
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(0.3)
    return process


def is_interrupted(ended, place, process) -> None:
    assert ended.code == 130
    assert ended.err.splitlines()[-1] == INTERRUPTED
    assert ended.err.count(INTERRUPTED) == 1
    assert "Traceback" not in ended.err + ended.out
    assert running(place) == 0
    assert {run.status for run in place.runs()} <= {"FINISHED", "KILLED"}
    assert [run.status for run in place.sweeps()] == ["KILLED"]
    deadline = time.monotonic() + 10
    while group(process.pid):
        assert time.monotonic() < deadline, group(process.pid)
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize("words", PROCESSES.values(), ids=PROCESSES)
@pytest.mark.parametrize("whom", ["group", "parent"])
@pytest.mark.parametrize("times", [1, 2, 5])
def test_ctrl_c(place, words, whom, times) -> None:
    process = started(place, *words)
    send = os.killpg if whom == "group" else os.kill
    for _ in range(times):
        send(process.pid, signal.SIGINT)
        time.sleep(0.1)
    is_interrupted(place.finish(process), place, process)


@pytest.mark.slow
@pytest.mark.parametrize("words", PROCESSES.values(), ids=PROCESSES)
@pytest.mark.parametrize("wait", [0.5, 1.5, 3.0, 5.0, 7.0])
def test_ctrl_c_at_any_moment(place, words, wait) -> None:
    process = place.start(*LONG, *words)
    time.sleep(wait)
    os.killpg(process.pid, signal.SIGINT)
    ended = place.finish(process)
    # Where it falls into code that an import generates, Python ends itself by the signal: a shell
    # shows 130 for that, too.
    assert ended.code in (130, -signal.SIGINT), ended.err
    assert running(place) == 0
    assert group(process.pid) == []


@pytest.mark.slow
def test_after_ctrl_c_the_same_command_goes_on(place) -> None:
    process = place.start(*GRID)
    while len(list((place.folder / "store" / "job").glob("*"))) < 2:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    assert place.finish(process).code in (130, 0)
    ended = place.finish(place.start(*GRID))
    assert ended.code == 0, ended.err
    assert len(place.runs("FINISHED")) == 8
    assert [run.status for run in place.sweeps()] == ["FINISHED"]
    assert counts(place) == {"teacher": 1, "control": 1, "student": 8, "job": 8}


@pytest.mark.slow
@pytest.mark.parametrize("words", PROCESSES.values(), ids=PROCESSES)
@pytest.mark.parametrize("largest_file", [0, 20_000, 60_000, 200_000, 1_000_000])
def test_a_full_disk(place, words, largest_file) -> None:
    grid = ("-m", "distillation.temperature=1,2", "teacher.model.hidden=[300,300]", *words)
    ended = place.finish(place.start(*grid, largest_file=largest_file))
    assert ended.code == 1
    assert "Traceback" not in ended.err + ended.out
    told = (ended.err + ended.out).lower()
    assert "full" in told or "too large" in told, told

    done = place.finish(place.start(*grid))
    assert done.code == 0, done.err
    assert running(place) == 0
    assert len(place.runs("FINISHED")) == 2
    assert [run.status for run in place.sweeps()] == ["FINISHED"]
    place.check_store()


def test_everything_refused(fairkd, place) -> None:
    ended = fairkd("-m", "distillation.temperature=-1,0")
    assert ended.code == 1
    assert "No job is left to run." in ended.err
    for value in (-1, 0):
        assert f"distillation.temperature={value} is out of range" in ended.err
    assert place.runs() == place.sweeps() == []
    assert not (place.folder / "multirun").exists()
    assert not (place.folder / "store").exists()


@pytest.mark.slow
def test_everything_refused_in_processes_of_their_own(place) -> None:
    process = place.start("-m", "distillation.temperature=-1,0", "hydra.launcher.n_jobs=2")
    ended = place.finish(process)
    assert ended.code == 1
    assert "No job is left to run." in ended.err
    assert group(process.pid) == []


def test_tables_are_written_although_jobs_failed(fairkd, place) -> None:
    ended = fairkd("-m", "trainer.optimizer.lr=1e30,1e-3", "distillation.temperature=-1,2")
    assert ended.code == 1
    (jobs,), (rows,) = tables("jobs.csv"), tables("summary.csv")
    assert list(jobs["status"]) == ["refused", "failed", "refused", "done"]
    assert list(rows["job_numbers"]) == [3]
    (parent,) = place.sweeps("FINISHED")
    assert {"summary.csv", "jobs.csv"} <= parent.files()
    assert parent.metrics["sweep/failed"] == 3


@pytest.mark.slow
def test_tables_are_written_although_every_job_failed(fairkd, place) -> None:
    ended = fairkd("-m", "trainer.optimizer.lr=1e30,1e29")
    assert ended.code == 1
    assert "No job finished: there is nothing to compare." in ended.out
    assert list(tables("jobs.csv")[0]["status"]) == ["failed", "failed"]
    assert len(place.sweeps("FINISHED")) == 1


def test_a_sweep_of_one_job(fairkd, place) -> None:
    ended = fairkd("-m", "distillation.temperature=2")
    assert ended.code == 0
    (run,) = place.runs("FINISHED")
    (parent,) = place.sweeps("FINISHED")
    assert run.tags["mlflow.parentRunId"] == parent.run_id
    assert run.tags["fairkd.sweep_id"] == parent.tags["fairkd.sweep"]
    assert len(tables("summary.csv")[0]) == 1


@pytest.mark.slow
def test_a_grid_in_batches(fairkd, place) -> None:
    grid = ("distillation.temperature=1,2,4,8", "constraint.weight=0,0.3")
    ended = fairkd("-m", *grid, "hydra.sweeper.max_batch_size=3")
    assert ended.code == 0
    assert len(place.runs("FINISHED")) == len(place.runs()) == 8
    assert counts(place) == {"teacher": 1, "control": 1, "student": 8, "job": 8}
    assert sorted(run.output.name for run in place.runs()) == list("01234567")
    assert len(tables("jobs.csv")[0]) == len(tables("summary.csv")[0]) == 8
    assert len(place.sweeps()) == 1
    assert "8 from the store" in fairkd("-m", *grid).out  # whatever the batches, the same sweep
    assert len(place.runs()) == 8


@pytest.mark.slow
def test_a_swept_group(fairkd, place) -> None:
    ended = fairkd("-m", "distillation=soft_targets,hint,none")
    assert ended.code == 0, ended.err
    assert len(place.runs("FINISHED")) == 3
    assert counts(place) == {"teacher": 1, "control": 1, "student": 3, "job": 3}
    assert len(tables("summary.csv")[0]) == 3


@pytest.mark.slow
@pytest.mark.parametrize("words", PROCESSES.values(), ids=PROCESSES)
def test_jobs_that_share_a_student(place, words) -> None:
    grid = ("evaluation.threshold=0.4,0.5,0.6", "distillation.temperature=1,2")
    ended = place.finish(place.start("-m", *grid, *words))
    assert ended.code == 0, ended.err
    assert len(place.runs("FINISHED")) == 6
    assert counts(place) == {"teacher": 1, "control": 1, "student": 2, "job": 6}


@pytest.mark.slow
@pytest.mark.parametrize("words", PROCESSES.values(), ids=PROCESSES)
def test_forcing_students_trains_each_once(place, words) -> None:
    grid = ("-m", "evaluation.threshold=0.4,0.5", "distillation.temperature=1,2", *words)
    assert place.finish(place.start(*grid)).code == 0
    before = {kind: place.written(kind) for kind in KINDS}
    ended = place.finish(place.start(*grid, "force=student"))
    assert ended.code == 0, ended.err
    after = {kind: place.written(kind) for kind in KINDS}
    for kind in ("teacher", "control"):
        assert after[kind] == before[kind]
    for kind in ("student", "job"):
        assert after[kind].keys() == before[kind].keys()
        assert all(after[kind][key] > before[kind][key] for key in after[kind])
    runs = place.runs("FINISHED")
    old = [run for run in runs if "fairkd.superseded" in run.tags]
    assert (len(old), len(runs)) == (4, 8)
    lasting = {run.tags["fairkd.job_key"]: run.lasting() for run in old}
    trained = 0
    for run in runs:
        assert run.lasting() == lasting[run.tags["fairkd.job_key"]]
        if run not in old:
            trained += "student: trained in" in (run.output / "fairkd.log").read_text()
    assert trained == 2  # of four jobs that share two students


@pytest.mark.slow
def test_a_sweep_with_a_name(fairkd, place) -> None:
    assert fairkd("-m", "distillation.temperature=1,2", "sweep.id=mine").code == 0
    assert {run.tags["fairkd.sweep_id"] for run in place.runs("FINISHED")} == {"mine"}
    (parent,) = place.sweeps("FINISHED")
    assert parent.tags["fairkd.sweep"] == "mine"
    assert fairkd("-m", "distillation.temperature=2,4", "sweep.id=mine").code == 0
    assert [run.run_id for run in place.sweeps()] == [parent.run_id]
    assert len(place.runs()) == 3
    assert list(tables("jobs.csv")[1]["status"]) == ["reused", "done"]


@pytest.mark.slow
def test_a_second_sweep_that_shares_jobs(fairkd, place) -> None:
    assert fairkd("-m", "distillation.temperature=1,2").code == 0
    assert fairkd("-m", "distillation.temperature=2,4").code == 0
    runs = place.runs("FINISHED")
    assert len(runs) == len(place.runs()) == 4
    pairs = {(run.tags["fairkd.sweep_id"], run.tags["fairkd.job_key"]) for run in runs}
    assert len(pairs) == 4
    (reused,) = [run for run in runs if "fairkd.reused" in run.tags]
    assert reused.params["distillation.temperature"] == "2"
    assert reused.lasting() == runs[1].lasting()
    assert counts(place)["student"] == 3
    second = place.sweeps("FINISHED")[1]
    assert [run.tags["mlflow.parentRunId"] for run in runs].count(second.run_id) == 2


@pytest.mark.slow
def test_a_job_alone_and_in_a_sweep_are_two_runs_of_one_result(fairkd, place) -> None:
    assert fairkd("distillation.temperature=2").code == 0
    assert fairkd("-m", "distillation.temperature=1,2").code == 0
    assert counts(place)["job"] == 2
    alone, *swept = place.runs("FINISHED")
    assert "fairkd.sweep_id" not in alone.tags
    assert len(swept) == 2
    assert fairkd("distillation.temperature=1").code == 0
    assert len(place.runs("FINISHED")) == 4


def test_a_sweep_without_tracking(fairkd, place) -> None:
    words = ("-m", "distillation.temperature=1,2", "tracking=none")
    assert fairkd(*words).code == 0
    assert place.runs() == place.sweeps() == []
    assert len(tables("summary.csv")[0]) == 2
    assert fairkd(*words).code == 0
    assert list(tables("jobs.csv")[1]["status"]) == ["reused", "reused"]


@pytest.mark.slow
def test_replicates(fairkd, place) -> None:
    assert fairkd("-m", "replicate=0,1,2", "distillation.temperature=1,2").code == 0
    assert counts(place) == {"teacher": 3, "control": 3, "student": 6, "job": 6}
    (rows,) = tables("summary.csv")
    assert list(rows["repetitions"]) == [3, 3]
    assert set(rows["test/accuracy_of"]) == {3}
    assert set(rows["repetitions_vary"]) == {"data split, teacher and student vary together"}
