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
        found = reading.sweep(name)
        assert [job.name for job in found] == ["job 3", "job 2", "job 1", "job 0"]
        assert [job.status for job in found] == ["FAILED", *["FINISHED"] * 3]
        jobs = [job for job in found if job.counts]
        assert [job.run_id for job in jobs] == [sweep[2], sweep[1]]
    assert [run.run_id for run in reading.parents("s1")] == [sweep[0]]
    assert reading.parents("s'2") == []
    assert jobs[0].params == {"seed": "1"}
    assert jobs[0].metrics["test/accuracy"] == 0.1
    assert str(jobs[0].metrics["test/disparity"]) == "nan"
    assert jobs[0].sweep_id == "s1"
    assert reading.run(sweep[0]).is_sweep


def test_artifacts(tracking: MlflowTracking, sweep: list[str]) -> None:
    reading = MlflowReading(tracking.uri)
    run = reading.run(sweep[1])
    assert reading.json(run, "record.json") == {"number": 0}
    assert reading.has(run, "groups/sex.student.csv")
    assert not reading.has(run, "groups")
    assert not reading.has(run, "groups/race.student.csv")
    assert reading.text(run, "groups/sex.student.csv") == "a,b\n"
    assert reading.place(run) == run.artifacts
    with pytest.raises(TrackingError, match=r"curves/control\.json of run .* cannot be read"):
        reading.json(run, "curves/control.json")


def test_a_folder_of_artifacts(tracking: MlflowTracking, sweep: list[str], tmp_path: Path) -> None:
    reading = MlflowReading(tracking.uri)
    run = reading.run(sweep[1])
    found = reading.folder(run, "groups", tmp_path)
    assert [file.name for file in found.iterdir()] == ["sex.student.csv"]
    with pytest.raises(TrackingError, match=r"student of run .* cannot be read"):
        reading.folder(run, "student", tmp_path)


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
    here = tmp_path / "elsewhere" / sweep[2] / "artifacts"
    assert reading.place(reading.run(sweep[2])) == here.as_uri()
    assert reading.json(reading.run(sweep[2]), "record.json") == {"number": 1}


def test_the_beginning_of_an_id(tracking: MlflowTracking, sweep: list[str]) -> None:
    reading = MlflowReading(tracking.uri)
    assert reading.run(sweep[1][:12]).run_id == sweep[1]
    with pytest.raises(TrackingError, match=r"run= is the beginning of 5 runs; .* give more of it"):
        reading.run("")
    with pytest.raises(TrackingError, match="There is no run nothing in "):
        reading.run("nothing")


def test_a_run_in_the_trash_is_not_there(tracking: MlflowTracking, sweep: list[str]) -> None:
    MlflowClient(tracking.uri).delete_run(sweep[1])
    reading = MlflowReading(tracking.uri)
    for name in (sweep[1], sweep[1][:12]):
        with pytest.raises(TrackingError, match=f"There is no run {name} in sqlite"):
            reading.run(name)


def test_a_run_of_another_experiment_is_not_there(
    tracking: MlflowTracking, sweep: list[str]
) -> None:
    reading = MlflowReading(tracking.uri, "other")
    for name in (sweep[1], sweep[1][:12]):
        with pytest.raises(TrackingError, match=f"There is no run {name} in experiment other of"):
            reading.run(name)
    assert MlflowReading(tracking.uri, "fairkd").run(sweep[1]).run_id == sweep[1]


def test_the_beginning_of_an_id_reads_no_other_run(
    tracking: MlflowTracking, sweep: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hundreds of runs with hundreds of values each are not read to find one."""
    reading = MlflowReading(tracking.uri)
    seen: list[str] = []
    whole = MlflowReading._seen
    monkeypatch.setattr(
        MlflowReading, "_seen", lambda self, run: seen.append(run.info.run_id) or whole(self, run)
    )
    assert reading.run(sweep[2][:12]).metrics["test/accuracy"] == 0.1
    assert seen == [sweep[2]]


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
