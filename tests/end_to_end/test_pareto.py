"""``sweep=pareto``: a search over validation, batch after batch."""

import csv
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

SIZE = ("hydra.sweeper.n_trials=6", "hydra.sweeper.batch=3")
LIGHT = """
import sys
from fairkd.commands.dispatch import dispatch
assert dispatch(sys.argv[1:]) == 0
heavy = {"optuna", "torch", "mlflow", "pytorch_lightning"} & set(sys.modules)
assert not heavy, heavy
"""


def trials(store: Path) -> list[tuple[int, str, dict[str, Any], Any]]:
    """What the only search of a store asked and was told, read by Optuna alone."""
    (journal,) = (store / "searches").glob("*.journal")
    storage = JournalStorage(JournalFileBackend(str(journal)))
    found = optuna.load_study(study_name="search", storage=storage).trials
    return [(t.number, t.state.name, t.params, t.values) for t in found]


def jobs(folder: Path) -> list[dict[str, str]]:
    """The table of the latest sweep's jobs."""
    latest = max(folder.glob("multirun/*/*/jobs.csv"), key=lambda path: path.stat().st_mtime_ns)
    with latest.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_search_trains_stacks_tells_validation_and_compares(fairkd, place) -> None:
    ended = fairkd("sweep=pareto", *SIZE)
    assert ended.code == 0, ended.err
    asked = trials(place.folder / "store")
    assert [state for _, state, _, _ in asked] == ["COMPLETE"] * 6
    runs = place.runs("FINISHED")
    assert len(runs) == len(place.runs()) == 6
    for (number, _, values, told), run in zip(
        asked, sorted(runs, key=lambda run: int(run.output.name)), strict=True
    ):
        assert int(run.output.name) == number
        assert {key: float(run.params[key]) for key in values} == values
        assert told == [run.metrics["validation/accuracy"], run.metrics["validation/disparity"]]
    assert ended.out.count("in 1 stack (1 of 3)") == 2
    assert "Trials 3 to 5 of 6." in ended.out
    assert "Best of 6 configurations on validation" in " ".join(ended.out.split())
    (parent,) = place.sweeps("FINISHED")
    assert {run.tags["mlflow.parentRunId"] for run in runs} == {parent.run_id}
    assert parent.name == "search·arrests·6 trials"
    assert parent.params["distillation.temperature"] == "tag(log,interval(1,20))"

    again = fairkd("sweep=pareto", *SIZE)
    assert again.code == 0
    assert "Best of 6 configurations on validation" in " ".join(again.out.split())
    assert again.out.count("3 jobs: 3 from the store.") == 2
    assert trials(place.folder / "store") == asked
    assert len(place.runs()) == 6
    assert [run.run_id for run in place.sweeps()] == [parent.run_id]

    more = fairkd("sweep=pareto", "hydra.sweeper.n_trials=8", "hydra.sweeper.batch=3")
    assert more.code == 0
    assert trials(place.folder / "store")[:6] == asked
    assert len(trials(place.folder / "store")) == len(place.runs("FINISHED")) == 8


@pytest.mark.slow
def test_two_kills_change_nothing(fairkd, place) -> None:
    words = ("sweep=pareto", *SIZE, "hydra.launcher.n_jobs=1")
    moments = random.Random(0)
    for batch in ("Trials 0 to 2 of 6.", "Trials 3 to 5 of 6."):
        process = place.start(*words)
        assert process.stdout is not None
        while batch not in (line := process.stdout.readline()):
            assert line
        time.sleep(moments.uniform(0, 0.5))
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        place.finish(process)
        place.check_store()
    ended = place.finish(place.start(*words))
    assert ended.code == 0, ended.err
    assert "Best of 6 configurations on validation" in " ".join(ended.out.split())
    assert len(place.runs("FINISHED")) == 6
    assert place.runs("RUNNING") == place.sweeps("RUNNING") == []
    after_kills = trials(place.folder / "store")

    assert fairkd(*words, "paths.store=undisturbed", "tracking=none").code == 0
    assert trials(place.folder / "undisturbed") == after_kills
    assert len(after_kills) == 6


@pytest.mark.slow
def test_refused_and_failing_jobs_are_told_as_failed_and_listed(fairkd, place) -> None:
    ended = fairkd(
        "sweep=pareto",
        "distillation.temperature=choice(-1,2)",
        "trainer.optimizer.lr=choice(1e-3,1e30)",
        *SIZE,
    )
    assert ended.code == 1
    expected = {
        number: "FAIL"
        if values["distillation.temperature"] == "-1" or values["trainer.optimizer.lr"] == "1e+30"
        else "COMPLETE"
        for number, _, values, _ in trials(place.folder / "store")
    }
    states = {number: state for number, state, _, _ in trials(place.folder / "store")}
    assert states == expected
    assert set(states.values()) == {"COMPLETE", "FAIL"}
    told = " ".join(ended.out.split())
    assert "refused: distillation.temperature=-1 is out of range" in told
    assert "failed: control: Training diverged" in told
    assert len(jobs(place.folder)) == 6


def test_planning_a_search_trains_and_writes_nothing(fairkd, place) -> None:
    ended = fairkd("sweep=pareto", *SIZE, "dry_run=true")
    assert ended.code == 0
    assert "  distillation.alpha: interval(0,1)\n" in ended.out
    assert "6 trials in 2 batches of at most 3, seed 0." in ended.out
    assert ended.out.count("in stack 1") == 3
    assert place.runs() == []
    assert not (place.folder / "store").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("-m", "hydra/sweeper=pareto"), "The search varies nothing; give at least one key"),
        (
            ("sweep=pareto", "distillation.temperature_scaling=interval(0,1)"),
            "gives numbers to a key that holds 'squared'",
        ),
        (("sweep=pareto", "student=range(0,3)"), "gives numbers to a key that holds 'mlp_small'"),
        (
            ("sweep=pareto", "constraint.weight=tag(log,interval(0,3))"),
            "begins at 0.0; give a beginning above 0",
        ),
        (("sweep=pareto", "hydra.sweeper.batch=0"), "hydra.sweeper.batch=0 is out of range"),
        (("sweep=pareto", "hydra.sweeper.n_trials=0"), "hydra.sweeper.n_trials=0 is out of range"),
        (
            ("sweep=pareto", "constraint.statistic=choice(selection_rate,accuracy)", *SIZE),
            "A search compares all its jobs by one disparity of one data set",
        ),
    ],
)
def test_what_cannot_be_searched_gets_a_sentence(
    words: tuple[str, ...], sentence: str, fairkd, place
) -> None:
    ended = fairkd(*words)
    assert ended.code == 1
    assert sentence in ended.err
    assert "Traceback" not in ended.err
    assert place.runs() == []
    assert not (place.folder / "store").exists()


@pytest.mark.slow
def test_a_name_of_another_search_is_refused(fairkd, place) -> None:
    one = ("sweep=pareto", "sweep.id=mine", "hydra.sweeper.n_trials=1", "tracking=none")
    assert fairkd(*one).code == 0
    ended = fairkd(*one, "hydra.sweeper.seed=1")
    assert ended.code == 1
    assert "sweep.id=mine names a search with another space" in ended.err
    assert "Traceback" not in ended.err


def test_without_optuna_the_extra_is_named(fairkd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    ended = fairkd("sweep=pareto")
    assert ended.code == 1
    assert "pip install 'fairkd[pareto]'" in ended.err
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize("words", [("sweep=pareto", "--cfg", "job"), ("--help",)])
def test_showing_a_search_imports_nothing_heavy(words: tuple[str, ...], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIGHT, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
