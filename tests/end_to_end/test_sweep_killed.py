"""Sweeps whose processes are killed, at any moment, and what the same command makes of it."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
import torch

GRID = ("-m", "distillation.temperature=1,2,4,8", "constraint.weight=0,0.3")
JOBS = 8
PROCESSES = {"in one process": (), "in two processes": ("hydra.launcher.n_jobs=2",)}
PATIENCE = 30.0  # seconds until a process that should end has ended
SEED = int(os.environ.get("FAIRKD_TEST_SEED", "0"))

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Whole:
    """What a sweep that nobody disturbed left."""

    place: Any

    @property
    def summary(self) -> pd.DataFrame:
        return summary(self.place)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder for temporary files, for the processes of one test alone."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def another(place, tmp_path: Path, migrated: Path) -> Callable[[], Any]:
    """Working folders beside the first, each with a fresh database."""

    def make() -> Any:
        folder = tmp_path / f"work-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        shutil.copy(migrated, folder / "mlflow.db")
        return type(place)(folder)

    return make


@pytest.fixture
def whole(another, scratch) -> Whole:
    elsewhere = another()
    ended = elsewhere.finish(elsewhere.start(*GRID))
    assert ended.code == 0, ended.err
    return Whole(elsewhere)


def summary(place) -> pd.DataFrame:
    """The table of the last sweep, without what names its runs."""
    newest = max((place.folder / "multirun").rglob("summary.csv"), key=os.path.getmtime)
    table = pd.read_csv(newest).drop(columns=["run_ids"])
    return table.sort_values("configuration", ignore_index=True)


def files(folder: Path) -> set[str]:
    """Every file below a folder, but for locks that are named after a run."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {name for name in found if not name.startswith(("locks/resume-", "locks/tracking-"))}


def compare(place, whole: Whole, scratch: Path) -> None:
    """A disturbed sweep left what the undisturbed one left, and nothing else."""
    assert place.ask("select count(*) from runs where status = 'RUNNING'") == [(0,)]
    finished = {run.tags["fairkd.job_key"]: run for run in place.runs("FINISHED")}
    expected = {run.tags["fairkd.job_key"]: run for run in whole.place.runs("FINISHED")}
    assert len(place.runs("FINISHED")) == len(finished) == JOBS
    assert finished.keys() == expected.keys()
    assert {run.status for run in place.runs()} <= {"FINISHED", "KILLED"}
    (parent,) = place.sweeps()
    assert parent.status == "FINISHED"
    assert {run.tags["mlflow.parentRunId"] for run in place.runs()} == {parent.run_id}
    for key, run in finished.items():
        other = expected[key]
        assert run.tags["fairkd.sweep_id"] == other.tags["fairkd.sweep_id"]
        assert run.params == other.params
        assert run.files() == other.files()
        assert run.lasting().keys() == other.lasting().keys()
        for name, value in other.lasting().items():
            # A lone student's curves are written in float32 while it trains.
            curve = name.startswith(("train/", "val/"))
            assert run.metrics[name] == (pytest.approx(value, rel=1e-6) if curve else value), name
        for name, value in other.weights().items():
            assert torch.equal(value, run.weights()[name]), name
    pd.testing.assert_frame_equal(summary(place), whole.summary, check_exact=True)
    place.check_store()
    assert files(place.folder / "store") == files(whole.place.folder / "store")
    assert remains(place.folder) == []
    assert remains(scratch) == []


def remains(folder: Path) -> list[Path]:
    """What was only ever meant for a moment, but for what lies in a killed command's own folder."""
    kinds = (".partial-*", ".progress-*", ".*.csv.*", "*.unfinished*", "fairkd-*", "run-*.lock")
    killed = {path.parent for path in folder.glob("multirun/*/*/multirun.yaml")}
    killed -= {path.parent for path in folder.glob("multirun/*/*/summary.csv")}
    return [path for kind in kinds for path in folder.rglob(kind) if not killed & set(path.parents)]


def workers(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """The processes that do a command's jobs."""
    try:
        children = psutil.Process(process.pid).children()
        return [
            child
            for child in children
            if "loky" in " ".join(child.cmdline())
            and "resource_tracker" not in " ".join(child.cmdline())
        ]
    except psutil.NoSuchProcess:
        return []


def group(number: int) -> list[psutil.Process]:
    """The living processes of a process group."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == number and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


def wait_for_end(number: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while group(number):
        assert time.monotonic() < deadline, [p.cmdline() for p in group(number)]
        time.sleep(0.1)


def progress(place) -> int:
    """How many results the store has."""
    return sum(1 for _ in (place.folder / "store").glob("*/*/entry.json"))


def reached(place, process: "subprocess.Popen[str]", whole: Whole, chance: random.Random) -> bool:
    """Wait for a moment of a sweep's remaining life; false if it ended before.

    Moments are counted in results, not in seconds, so that a busy machine has the same ones: after
    some result, and a little later; before the first new one, somewhere in the start.
    """
    before = progress(place)
    target = chance.randint(before, progress(whole.place))
    delay = chance.uniform(0, 5.0 if target == before else 0.2)
    while progress(place) < target:
        if process.poll() is not None:
            return False
        time.sleep(0.005)
    time.sleep(delay)
    return process.poll() is None


@pytest.mark.parametrize("words", PROCESSES.values(), ids=PROCESSES)
def test_kills_of_everything_at_any_moment(another, whole, scratch, words) -> None:
    chance = random.Random(SEED)
    killed = 0
    while killed < 10:
        place = another()
        for _ in range(4):
            process = place.start(*GRID, *words)
            if not reached(place, process, whole, chance):
                assert place.finish(process).code == 0
                break
            os.killpg(process.pid, signal.SIGKILL)
            killed += 1
            place.finish(process)
            place.check_store()
        ended = place.finish(place.start(*GRID, *words))
        assert ended.code == 0, ended.err
        assert "Traceback" not in ended.err
        compare(place, whole, scratch)


def test_kills_of_the_launching_process_alone(another, whole, scratch) -> None:
    chance = random.Random(SEED)
    words = PROCESSES["in two processes"]
    place = another()
    for _ in range(3):
        process = place.start(*GRID, *words)
        reached(place, process, whole, chance)
        process.kill()
        place.finish(process)
        wait_for_end(process.pid)
    ended = place.finish(place.start(*GRID, *words))
    assert ended.code == 0, ended.err
    compare(place, whole, scratch)


def test_the_death_of_one_worker_costs_nothing_but_time(another, whole, scratch) -> None:
    chance = random.Random(SEED)
    for _ in range(3):
        place = another()
        process = place.start(*GRID, *PROCESSES["in two processes"])
        reached(place, process, whole, chance)
        if living := workers(process):
            chance.choice(living).kill()
        ended = place.finish(process)
        assert ended.code == 0, ended.err
        compare(place, whole, scratch)
        wait_for_end(process.pid)
