import shutil
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from fairkd.errors import TrackingError
from fairkd.tracking import JOB_KEY, SWEEP_ID, SWEEP_PARENT
from fairkd.tracking.mlflow_reading import MlflowReading
from fairkd.tracking.mlflow_tracking import MlflowTracking


@pytest.fixture
def sweep(tracking: MlflowTracking) -> list[str]:
    """A sweep's own run, then two of its jobs, then a superseded one and one that failed."""
    tracking.prepare()
    with tracking.start("sweep·iris·2 jobs", {}, {SWEEP_PARENT: "s1"}) as parent:
        pass
    ids = [parent.run_id]
    for number in range(3):
        tags = {SWEEP_ID: "s1", JOB_KEY: f"k{number}"}
        with tracking.start(f"job {number}", {"seed": number}, tags, parent.run_id) as run:
            run.log_metrics({"test/accuracy": number / 10, "test/disparity": float("nan")})
            run.log_json({"number": number}, "record.json")
            run.log_text("a,b\n", "groups/sex.student.csv")
        ids.append(run.run_id)
    tracking.supersede("k2")
    tags = {SWEEP_ID: "s1", JOB_KEY: "k3"}
    with pytest.raises(ArithmeticError), tracking.start("job 3", {}, tags):
        raise ArithmeticError
    return ids


def test_a_sweeps_jobs_that_count(tracking: MlflowTracking, sweep: list[str]) -> None:
    reading = MlflowReading(tracking.uri)
    for name in ("s1", sweep[0], "sweep·iris·2 jobs"):
        jobs = reading.sweep(name)
        assert [job.run_id for job in jobs] == [sweep[2], sweep[1]]
    assert jobs[0].params == {"seed": "1"}
    assert jobs[0].metrics["test/accuracy"] == 0.1
    assert str(jobs[0].metrics["test/disparity"]) == "nan"
    assert jobs[0].sweep_id == "s1"
    assert reading.run(sweep[0]).is_sweep


def test_artifacts(tracking: MlflowTracking, sweep: list[str], tmp_path: Path) -> None:
    reading = MlflowReading(tracking.uri)
    run = reading.run(sweep[1])
    assert reading.json(run, "record.json") == {"number": 0}
    assert reading.paths(run) == ["groups/sex.student.csv", "record.json"]
    assert reading.paths(run, "groups") == ["groups/sex.student.csv"]
    assert reading.fetch(run, "groups", tmp_path / "here") == tmp_path / "here" / "groups"
    assert (tmp_path / "here" / "groups" / "sex.student.csv").read_text() == "a,b\n"
    with pytest.raises(TrackingError, match=r"curves/control\.json of run .* cannot be read"):
        reading.json(run, "curves/control.json")


def test_a_store_that_was_moved(tracking: MlflowTracking, sweep: list[str], tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    for file in tmp_path.glob("mlflow.db*"):  # with what is not yet written back into it
        shutil.move(file, moved)
    shutil.move(tmp_path / "mlartifacts", moved)
    reading = MlflowReading(f"sqlite:///{moved}/mlflow.db")
    assert reading.json(reading.run(sweep[2]), "record.json") == {"number": 1}
    shutil.move(moved / "mlartifacts", tmp_path / "elsewhere")
    reading = MlflowReading(f"sqlite:///{moved}/mlflow.db", artifacts=tmp_path / "elsewhere")
    assert reading.json(reading.run(sweep[2]), "record.json") == {"number": 1}


def test_the_beginning_of_an_id(tracking: MlflowTracking, sweep: list[str]) -> None:
    reading = MlflowReading(tracking.uri)
    assert reading.run(sweep[1][:12]).run_id == sweep[1]
    with pytest.raises(TrackingError, match=r"run= is the beginning of 5 runs; .* give more of it"):
        reading.run("")
    with pytest.raises(TrackingError, match="There is no run nothing in "):
        reading.run("nothing")


def test_refusals(tracking: MlflowTracking, sweep: list[str], tmp_path: Path) -> None:
    reading = MlflowReading(tracking.uri)
    with pytest.raises(TrackingError, match=r"Unknown sweep 's2'\. Accepted: s1\."):
        reading.sweep("s2")
    with pytest.raises(TrackingError, match="query=accuracy is good is not a condition"):
        reading.search("accuracy is good")
    with pytest.raises(TrackingError, match="Unknown experiment 'fairk'; did you mean 'fairkd'"):
        MlflowReading(tracking.uri, "fairk").search()
    with pytest.raises(TrackingError, match="There is no tracking store"):
        MlflowReading(f"sqlite:///{tmp_path}/none.db")
    assert not (tmp_path / "none.db").exists()


@pytest.mark.slow
def test_more_runs_than_a_page(tracking: MlflowTracking) -> None:
    tracking.prepare()
    client = MlflowClient(tracking.uri)
    experiment = client.get_experiment_by_name("fairkd").experiment_id
    for number in range(1005):
        client.create_run(experiment, run_name=str(number))
    found = MlflowReading(tracking.uri).search()
    assert {run.name for run in found} == set(map(str, range(1005)))
