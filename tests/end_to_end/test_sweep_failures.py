"""Sweeps of which some jobs fail on the way, and what the same command repeats."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

MODULE = "broken_of_today"
BROKEN = """
import os
import signal

import pytorch_lightning as pl
import torch
from torch import nn


class Breaks(pl.Callback):
    def __init__(self, broken):
        self.broken = broken

    def on_train_epoch_end(self, trainer, pl_module):
        if self.broken:
            raise RuntimeError("the callback broke")


class Net(nn.Module):
    def __init__(self, in_features, n_classes, broken=False):
        super().__init__()
        self.head = nn.Linear(in_features, n_classes)
        self.broken = broken

    def forward(self, x):
        if self.broken and torch.is_grad_enabled():
            raise RuntimeError("the model broke")
        return self.head(x)


class Greedy(nn.Module):
    def __init__(self, in_features, n_classes, room=2, device="cpu"):
        super().__init__()
        self.head = nn.Linear(in_features, n_classes)
        self.room = room
        self.device = device

    def forward(self, x):
        functorch = torch._C._functorch
        stacked = functorch.is_batchedtensor(x)
        members = functorch.get_unwrapped(x).shape[0] if stacked else 1
        if members > self.room and self.device == "cpu":
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to ...")
        if members > self.room:
            raise torch.OutOfMemoryError("no room")
        return self.head(x)


class Dies(nn.Module):
    def __init__(self, in_features, n_classes, dies=False):
        super().__init__()
        self.head = nn.Linear(in_features, n_classes)
        self.dies = dies

    def forward(self, x):
        if self.dies and self.training and torch.is_grad_enabled():
            os.kill(os.getpid(), signal.SIGKILL)
        return self.head(x)
"""
BREAKS = (f"+callbacks.breaks._target_={MODULE}.Breaks",)
NET = ("student=own", f"student._target_={MODULE}.Net")
GREEDY = ("student=own", f"student._target_={MODULE}.Greedy")
LOG_HINT = "fairkd.log in the job's folder has the traceback."


@pytest.fixture(autouse=True)
def module(place, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Classes of the user's in the working folder."""
    Path(f"{MODULE}.py").write_text(BROKEN)
    monkeypatch.syspath_prepend(str(place.folder))
    yield
    sys.modules.pop(MODULE, None)


def repaired(place) -> None:
    """The user's classes again, with nothing that breaks."""
    file = place.folder / f"{MODULE}.py"
    file.write_text(re.sub(r"if self\.(broken|dies)", "if False", file.read_text()))


def jobs_table() -> pd.DataFrame:
    """One row a job of the last sweep."""
    newest = max(Path("multirun").rglob("jobs.csv"), key=lambda path: path.stat().st_mtime_ns)
    return pd.read_csv(newest)


def test_a_callback_that_raises_fails_its_job_alone(fairkd, place) -> None:
    ended = fairkd("-m", *BREAKS, "+callbacks.breaks.broken=false,true")
    assert ended.code == 1
    told = " ".join(ended.out.split())
    assert f"1 failed: The job failed with RuntimeError: the callback broke. {LOG_HINT}" in told
    assert "+callbacks.breaks.broken=True" in told
    assert "Traceback" not in ended.err + ended.out
    (finished,) = place.runs("FINISHED")
    (failed,) = place.runs("FAILED")
    assert failed.tags["fairkd.error"] == "RuntimeError: the callback broke"
    log = (failed.output / "fairkd.log").read_text()
    assert "Traceback (most recent call last):" in log
    assert "RuntimeError: the callback broke" in log
    assert "Traceback" not in (finished.output / "fairkd.log").read_text()
    table = jobs_table()
    assert list(table["status"]) == ["done", "failed"]
    assert "the callback broke" in table["sentence"][1]
    (parent,) = place.sweeps("FINISHED")
    assert {run.tags["mlflow.parentRunId"] for run in place.runs()} == {parent.run_id}
    assert parent.metrics["sweep/failed"] == 1


def test_a_model_that_raises_fails_its_jobs_and_the_next_command_repeats_only_those(
    fairkd, place
) -> None:
    words = ("-m", *NET, "+student.broken=false,true", "distillation.temperature=2,4")
    assert fairkd(*words).code == 1
    done = {run.run_id for run in place.runs("FINISHED")}
    failed = {run.run_id for run in place.runs("FAILED")}
    assert (len(done), len(failed)) == (2, 2)
    table = jobs_table()
    assert list(table["status"]) == ["done", "done", "failed", "failed"]
    assert set(table["sentence"].dropna()) == {
        f"The job failed with RuntimeError: the model broke. {LOG_HINT}"
    }
    for run in place.runs("FAILED"):
        assert "Traceback" in (run.output / "fairkd.log").read_text()

    again = fairkd(*words)
    assert again.code == 1
    assert done == {run.run_id for run in place.runs("FINISHED")}
    assert len(place.runs("FAILED")) == 4
    assert list(jobs_table()["status"]) == ["reused", "reused", "failed", "failed"]


def test_a_loss_that_is_no_number_fails_its_job_with_a_sentence(fairkd, place) -> None:
    ended = fairkd("-m", "trainer.optimizer.lr=1e-3,1e30", "hydra.launcher.max_stack=1")
    assert ended.code == 1
    assert [run.status for run in place.runs()] == ["FINISHED", "FAILED"]
    assert "Training diverged in epoch 1" in " ".join(ended.out.split())


@pytest.mark.parametrize(
    ("device", "room"),
    [
        ("cpu", 2),
        pytest.param("cpu", 1, marks=pytest.mark.slow),
        pytest.param("gpu", 2, marks=pytest.mark.slow),
    ],
)
def test_a_stack_without_memory_is_made_smaller(fairkd, place, device, room) -> None:
    words = (*GREEDY, f"+student.room={room}", f"+student.device={device}")
    ended = fairkd("-m", *words, "distillation.temperature=1,2,4,8")
    assert ended.code == 0, ended.out
    runs = place.runs("FINISHED")
    assert len(runs) == len(place.runs()) == 4
    for run in runs:
        told = (run.output / "fairkd.log").read_text()
        assert "student: trained in " in told
        assert ("student: trained in a stack of 2" in told) == (room == 2)


@pytest.mark.slow
def test_smaller_stacks_give_the_same_models(fairkd, place) -> None:
    grid = ("distillation.temperature=1,2,4,8", "constraint.weight=0,0.3")
    for room in (3, 64):
        words = (*GREEDY, "+student.room=64", f"hydra.launcher.max_stack={room}")
        assert fairkd("-m", *words, *grid, "force=all", f"sweep.id=room{room}").code == 0
    runs = place.runs("FINISHED")
    assert len(runs) == 16
    for small, large in zip(runs[:8], runs[8:], strict=True):
        assert small.params == large.params
        curves = ("train/", "val/")
        assert {n: v for n, v in small.lasting().items() if not n.startswith(curves)} == {
            n: v for n, v in large.lasting().items() if not n.startswith(curves)
        }


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["basic", "stacked"])
def test_failures_look_alike_under_every_launcher(fairkd, place, launcher) -> None:
    words = ("-m", f"hydra/launcher={launcher}", *NET, "+student.broken=false,true", "seed=0,1")
    ended = fairkd(*words)
    assert ended.code == 1
    assert [run.status for run in place.runs()] == ["FINISHED"] * 2 + ["FAILED"] * 2
    assert f"2 failed: The job failed with RuntimeError: the model broke. {LOG_HINT}" in " ".join(
        ended.out.split()
    )
    for run in place.runs("FAILED"):
        assert "Traceback" in (run.output / "fairkd.log").read_text()
    assert list(jobs_table()["status"]) == ["done", "done", "failed", "failed"]
    assert place.ask("select count(*) from runs where status = 'RUNNING'") == [(0,)]

    repaired(place)
    sys.modules.pop(MODULE, None)
    assert fairkd(*words).code == 0
    assert set(jobs_table()["status"]) == {"done"}  # other code, other jobs


@pytest.mark.slow
def test_failures_in_processes_of_their_own(place) -> None:
    words = ("-m", *NET, "+student.broken=false,true", "seed=0,1", "hydra.launcher.n_jobs=2")
    ended = place.finish(place.start(*words))
    assert ended.code == 1
    assert sorted(run.status for run in place.runs()) == ["FAILED"] * 2 + ["FINISHED"] * 2
    assert "Traceback" not in ended.err + ended.out
    for run in place.runs("FAILED"):
        assert "Traceback" in (run.output / "fairkd.log").read_text()
    again = place.finish(place.start(*words))
    assert again.code == 1
    assert len(place.runs("FINISHED")) == 2
    assert len(place.runs("FAILED")) == 4


@pytest.mark.slow
def test_a_job_that_kills_its_process_is_found_and_the_others_are_done(place) -> None:
    words = (
        "student=own",
        f"student._target_={MODULE}.Dies",
        "+student.dies=false,true",
        "distillation.temperature=1,2",
        "hydra.launcher.n_jobs=2",
    )
    ended = place.finish(place.start("-m", *words))
    assert ended.code == 1
    assert "process was killed" in " ".join(ended.out.split())
    assert list(jobs_table()["status"]) == ["done", "done", "failed", "failed"]
    assert place.ask("select count(*) from runs where status = 'RUNNING'") == [(0,)]
    assert len(place.runs("FINISHED")) == 2
    assert {run.status for run in place.runs()} <= {"FINISHED", "KILLED"}
