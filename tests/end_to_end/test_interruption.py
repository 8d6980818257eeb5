"""Jobs that end before they are done, and what the next command makes of it."""

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

LONG = ("trainer.max_epochs=60", "teacher.trainer.max_epochs=60")
STUDENT = "student: training."
CALLBACK = """
import pytorch_lightning as pl


class Breaks(pl.Callback):
    def on_train_epoch_end(self, trainer, pl_module):
        raise RuntimeError("the callback broke")
"""


def wait_for(process: "subprocess.Popen[str]", line: str) -> str:
    """Read standard error up to and with a line."""
    assert process.stderr is not None
    read = ""
    while line not in read:
        more = process.stderr.readline()
        assert more, read
        read += more
    return read


def test_an_error_inside_a_job(fairkd, place, monkeypatch: pytest.MonkeyPatch) -> None:
    (place.folder / "breaks.py").write_text(CALLBACK)
    monkeypatch.syspath_prepend(place.folder)
    ended = fairkd("+callbacks.breaks._target_=breaks.Breaks")
    assert ended.code == 1
    assert ended.err.splitlines()[-1] == (
        "The job failed with RuntimeError: the callback broke. HYDRA_FULL_ERROR=1 shows the "
        "traceback."
    )
    assert "Traceback" not in ended.err
    run = place.run()
    assert (run.status, run.tags["fairkd.error"]) == ("FAILED", "RuntimeError: the callback broke")
    (log,) = (place.folder / "outputs").rglob("fairkd.log")
    assert "Traceback (most recent call last):" in log.read_text()
    assert place.kept("job") == place.kept("student") == []

    assert fairkd().code == 0
    assert [run.status for run in place.runs()] == ["FAILED", "FINISHED"]


@pytest.mark.slow
def test_ctrl_c_while_training(place) -> None:
    process = place.start("trainer.max_epochs=400")
    wait_for(process, STUDENT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    ended = place.finish(process)
    assert ended.code == 130
    assert ended.err.splitlines()[-1] == (
        "Interrupted. What was finished is in the store; the same command goes on from there."
    )
    assert "Traceback" not in ended.err
    assert place.run().status == "KILLED"
    assert len(place.kept("teacher")) == 1

    done = place.finish(place.start())
    assert done.code == 0
    assert "teacher: reused from the store" in done.err
    assert [run.status for run in place.runs()] == ["KILLED", "FINISHED"]


@pytest.mark.slow
def test_ctrl_c_in_a_sweep_ends_the_sweep(place) -> None:
    words = ("-m", "hydra/launcher=basic", "seed=0,1,2", "trainer.max_epochs=400")
    process = place.start(*words)
    wait_for(process, "control: training.")
    process.send_signal(signal.SIGINT)
    assert place.finish(process).code == 130
    assert [run.status for run in place.runs()] == ["KILLED"]


@pytest.mark.slow
def test_kills_at_any_moment(place) -> None:
    moments = random.Random(0)
    killed = 0
    for _ in range(10):
        process = place.start(*LONG)
        wait_for(process, "arrests·T4")
        try:
            process.wait(moments.uniform(0, 2))
        except subprocess.TimeoutExpired:
            process.kill()
            killed += 1
        place.finish(process)
        assert len(place.runs("RUNNING")) <= 1
        place.check_store()
    assert killed > 3
    ended = place.finish(place.start(*LONG))
    assert ended.code == 0
    assert place.runs("RUNNING") == []
    assert len(place.runs("FINISHED")) == 1
    assert {run.status for run in place.runs()} == {"KILLED", "FINISHED"}
    place.check_store()
    assert [len(place.kept(kind)) for kind in ("teacher", "control", "student", "job")] == [1] * 4
    assert list((place.folder / "store" / "tmp").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("largest_file", [0, 20_000, 200_000, 1_000_000])
def test_a_full_disk(place, largest_file: int) -> None:
    words = ("teacher.model.hidden=[700,700]",)
    ended = place.finish(place.start(*words, largest_file=largest_file))
    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert ("full" in ended.err) or ("too large" in ended.err.lower()), ended.err

    done = place.finish(place.start(*words))
    assert done.code == 0, done.err
    assert place.runs("RUNNING") == []
    assert len(place.runs("FINISHED")) == 1
    place.check_store()


@pytest.mark.slow
def test_two_commands_at_once_do_one_job(place) -> None:
    both = [place.start(*LONG) for _ in range(2)]
    ended = [place.finish(process) for process in both]
    assert [each.code for each in ended] == [0, 0]
    assert sum(each.err.count("trained in") for each in ended) == 3
    assert [run.status for run in place.runs()] == ["FINISHED"]


@pytest.mark.slow
def test_the_first_command_in_an_empty_folder(place) -> None:
    for file in place.folder.glob("mlflow.db*"):
        Path(file).unlink()
    ended = place.finish(place.start())
    assert ended.code == 0
    assert "Traceback" not in ended.err
    assert "INFO" not in ended.err
    assert place.run().status == "FINISHED"
