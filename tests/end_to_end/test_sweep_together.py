"""Several sweeps at once, in one folder, with one store and a database that is not there yet."""

from collections import Counter
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

KINDS = ("teacher", "control", "student", "job")
AT_ONCE = 4


@pytest.fixture
def fresh(place):
    """The working folder, as empty as a new user's."""
    for file in place.folder.glob("mlflow.db*"):
        file.unlink()
    return place


def all_end_well(place, commands: list[tuple[str, ...]]) -> None:
    started = [place.start("-m", *words) for words in commands]
    for ended in [place.finish(process) for process in started]:
        assert ended.code == 0, ended.err
        assert "Traceback" not in ended.err + ended.out
        assert "failed" not in ended.out
    assert place.ask("select count(*) from runs where status = 'RUNNING'") == [(0,)]
    assert {run.status for run in place.runs()} == {"FINISHED"}
    pairs = Counter((r.tags["fairkd.sweep_id"], r.tags["fairkd.job_key"]) for r in place.runs())
    assert set(pairs.values()) == {1}
    place.check_store()
    tmp = place.folder / "store" / "tmp"
    assert not tmp.exists() or list(tmp.iterdir()) == []
    assert list((place.folder / "store" / "locks").glob("run-*.lock")) == []


def trainings(place) -> dict[str, int]:
    """How often a job's log says that it trained a model of a kind itself."""
    logs = [path.read_text() for path in Path(place.folder, "multirun").rglob("fairkd.log")]
    return {kind: sum(log.count(f"{kind}: trained in") for log in logs) for kind in KINDS[:3]}


@pytest.mark.parametrize("words", [(), ("hydra.launcher.n_jobs=2",)], ids=["one", "two"])
def test_the_same_sweep_four_times(fresh, words) -> None:
    grid = ("distillation.temperature=1,2", "constraint.weight=0,0.3", *words)
    all_end_well(fresh, [grid] * AT_ONCE)
    assert len(fresh.runs()) == 4
    assert [run.status for run in fresh.sweeps()] == ["FINISHED"]
    assert {kind: len(fresh.kept(kind)) for kind in KINDS} == {
        "teacher": 1,
        "control": 1,
        "student": 4,
        "job": 4,
    }
    told = trainings(fresh)
    assert told["student"] == 4
    assert max(told["teacher"], told["control"]) <= 1


def test_four_grids_that_overlap(fresh) -> None:
    temperatures = ("1,2,4", "2,4,8", "4,8,1", "8,1,2")
    all_end_well(
        fresh,
        [(f"distillation.temperature={few}", "constraint.weight=0,0.3") for few in temperatures],
    )
    assert len(fresh.runs()) == 4 * 6
    assert len(fresh.sweeps("FINISHED")) == len(fresh.sweeps()) == AT_ONCE
    assert {kind: len(fresh.kept(kind)) for kind in KINDS} == {
        "teacher": 1,
        "control": 1,
        "student": 8,
        "job": 8,
    }
    told = trainings(fresh)
    # A model that one sweep trains ahead may be told by no job, where another sweep did the job.
    assert told["student"] <= 8
    assert max(told["teacher"], told["control"]) <= 1
    by_job: dict[str, list[dict[str, float]]] = {}
    for run in fresh.runs():
        by_job.setdefault(run.tags["fairkd.job_key"], []).append(run.lasting())
    for found in by_job.values():
        assert len(found) == 3
        for other in found[1:]:
            assert other == pytest.approx(found[0], rel=1e-6)


def test_a_sweep_and_its_jobs_alone_at_once(fresh) -> None:
    sweep = fresh.start("-m", "distillation.temperature=1,2,4")
    lone = [fresh.start(f"distillation.temperature={t}") for t in (1, 2)]
    ended = [fresh.finish(process) for process in (sweep, *lone)]
    assert [each.code for each in ended] == [0, 0, 0], [each.err for each in ended]
    assert len(fresh.runs("FINISHED")) == len(fresh.runs()) == 5
    assert {kind: len(fresh.kept(kind)) for kind in KINDS} == {
        "teacher": 1,
        "control": 1,
        "student": 3,
        "job": 3,
    }
