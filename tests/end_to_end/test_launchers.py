"""One grid through every launcher: the same jobs, the same numbers, one run each."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins

GRID = ("-m", "distillation.temperature=1,4", "constraint.weight=0,0.5")
FAILING = ("-m", "trainer.optimizer.lr=1e-3,1e30")
LAUNCHERS = {
    "basic": ("hydra/launcher=basic",),
    "joblib": ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2"),
    "submitit": ("hydra/launcher=submitit_local", "hydra.launcher.timeout_min=10"),
    "ray": ("hydra/launcher=ray", "+hydra.launcher.ray.init.num_cpus=2"),
}


def launchers() -> list[object]:
    """Those of extras that are not installed are skipped."""
    return [
        pytest.param(
            words,
            id=name,
            marks=pytest.mark.skipif(
                name != "basic" and find_spec(f"hydra_plugins.hydra_{name}_launcher") is None,
                reason=f"needs pip install 'fairkd[{name}]'",
            ),
        )
        for name, words in LAUNCHERS.items()
    ]


def summary(place) -> pd.DataFrame:
    """The table of the only sweep, without what names its runs."""
    (path,) = (place.folder / "multirun").rglob("summary.csv")
    table = pd.read_csv(path)
    latencies = [column for column in table if "latency" in column]
    return table.drop(columns=["run_ids", *latencies])


@pytest.fixture(scope="module")
def stacked(tmp_path_factory: pytest.TempPathFactory, migrated: Path):
    """What the launcher of our own makes of the grid: made once, in a place of its own."""
    folder = tmp_path_factory.mktemp("stacked")
    shutil.copy(migrated, folder / "mlflow.db")
    return folder


@pytest.fixture
def ours(place, stacked: Path):
    """The place where the stacked launcher has run the grid."""
    there = type(place)(stacked)
    if not (stacked / "multirun").exists():
        ended = there.finish(there.start(*GRID))
        assert ended.code == 0, ended.err
    return there


@pytest.mark.slow
@pytest.mark.parametrize("launcher", launchers())
def test_the_jobs_are_those_of_the_stacked_launcher(place, ours, launcher) -> None:
    ended = place.finish(place.start(*GRID, *launcher))
    assert ended.code == 0, ended.err
    runs = {run.tags["fairkd.job_key"]: run for run in place.runs("FINISHED")}
    expected = {run.tags["fairkd.job_key"]: run for run in ours.runs("FINISHED")}
    assert runs.keys() == expected.keys()
    assert len(place.runs()) == len(runs) == 4
    (parent,) = place.sweeps("FINISHED")
    assert {run.tags["mlflow.parentRunId"] for run in runs.values()} == {parent.run_id}
    for key, run in runs.items():
        assert run.params == expected[key].params
        assert run.files() == expected[key].files()
        lasting = expected[key].lasting()
        assert run.lasting().keys() == lasting.keys()
        for name, value in lasting.items():
            # A lone student's curves are written in float32 while it trains.
            curve = name.startswith(("train/", "val/"))
            assert run.metrics[name] == (pytest.approx(value, rel=1e-6) if curve else value), name
    pd.testing.assert_frame_equal(summary(place), summary(ours))
    counts = {kind: len(place.kept(kind)) for kind in ("teacher", "control", "student", "job")}
    assert counts == {"teacher": 1, "control": 1, "student": 4, "job": 4}
    (folder,) = {run.output.parent for run in runs.values()}
    assert {path.name for path in folder.iterdir()} >= {"0", "1", "2", "3", "summary.csv"}


@pytest.mark.slow
@pytest.mark.parametrize("launcher", launchers())
def test_a_failing_job_does_not_stop_the_others(place, launcher) -> None:
    ended = place.finish(place.start(*FAILING, *launcher))
    assert ended.code == 1
    (finished,) = place.runs("FINISHED")
    assert finished.params["trainer.optimizer.lr"] == "0.001"
    (failed,) = place.runs("FAILED")
    sentence = "Training diverged in epoch 1: the loss is"
    assert sentence in failed.tags["fairkd.error"]
    assert sentence in " ".join(ended.out.split())
    (parent,) = place.sweeps("FINISHED")
    assert parent.metrics["sweep/failed"] == 1


@pytest.mark.slow
def test_a_refused_job_leaves_the_others_to_a_launcher_that_numbers_them_itself(
    fairkd, place
) -> None:
    ended = fairkd("-m", "distillation.temperature=1,-1,2,4", "hydra/launcher=basic")
    assert ended.code == 1
    finished = place.runs("FINISHED")
    assert [run.params["distillation.temperature"] for run in finished] == ["1", "2", "4"]
    for run in finished:
        words = (run.output / ".hydra" / "overrides.yaml").read_text()
        assert f"distillation.temperature={run.params['distillation.temperature']}\n" in words


DIES = """
import os
import signal

import pytorch_lightning as pl


class Dies(pl.Callback):
    def __init__(self, seed):
        self.seed = seed

    def on_train_start(self, trainer, pl_module):
        if self.seed == 1:
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("hydra_plugins.hydra_submitit_launcher") is None,
    reason="needs pip install 'fairkd[submitit]'",
)
def test_a_job_that_the_cluster_kills_does_not_cost_the_others(
    place, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place.folder / "dies.py").write_text(DIES)
    monkeypatch.setenv("PYTHONPATH", str(place.folder))
    callback = "+callbacks.dies={_target_:dies.Dies,seed:${seed}}"
    words = ("-m", "seed=0,1", callback, *LAUNCHERS["submitit"])
    ended = place.finish(place.start(*words))
    assert ended.code == 1
    assert "Traceback" not in ended.err
    (finished,) = place.runs("FINISHED")
    assert finished.params["seed"] == "0"
    (parent,) = place.sweeps("FINISHED")
    assert parent.metrics["sweep/failed"] == 1
    assert "1 failed" in " ".join(ended.out.split())


@pytest.mark.parametrize(
    ("launcher", "extra"),
    [
        ("joblib", "joblib"),
        ("submitit_local", "submitit"),
        ("submitit_slurm", "submitit"),
        ("ray", "ray"),
    ],
)
@pytest.mark.parametrize("mode", [("-m", "seed=0,1"), ()], ids=["sweep", "single job"])
def test_a_launcher_that_is_not_installed(
    fairkd, place, launcher, extra, mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    Plugins.instance()  # registers what is installed
    known = ConfigStore.instance().repo["hydra"]["launcher"]
    monkeypatch.delitem(known, f"{launcher}.yaml", raising=False)
    ended = fairkd(*mode, f"hydra/launcher={launcher}")
    assert ended.code == 1
    assert ended.err == (
        f"hydra/launcher={launcher} is not installed; pip install 'fairkd[{extra}]' brings it.\n"
    )
    assert place.runs() == []


def test_an_unknown_launcher(fairkd) -> None:
    ended = fairkd("-m", "seed=0,1", "hydra/launcher=stackd")
    assert ended.code == 1
    assert ended.err.startswith(
        "Unknown choice for hydra/launcher 'stackd'; did you mean 'stacked'? Accepted: basic,"
    )
