"""Students in MLflow's registry: one version a run, made of the run's own files."""

from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from fairkd.errors import TrackingError
from fairkd.tracking.mlflow_reading import MlflowReading
from fairkd.tracking.mlflow_registry import register
from fairkd.tracking.mlflow_tracking import MlflowTracking


def finished(tracking: MlflowTracking, name: str, *, model: bool = True) -> str:
    tags = {"fairkd.data": "iris", "mlflow.note.content": "the note"}
    with tracking.start(name, {}, tags) as run:
        if model:
            run.log_text("flavors: {}\n", "student/MLmodel")
    return run.run_id


def test_each_run_is_one_version(tracking: MlflowTracking) -> None:
    first, second = finished(tracking, "first"), finished(tracking, "second")
    reading = MlflowReading(tracking.uri)
    one, two, again = (
        register(tracking.uri, reading, reading.run(run_id), "iris")
        for run_id in (first, second, first)
    )
    assert (one.version, one.is_new, one.uri) == ("1", True, "models:/iris/1")
    assert (two.version, two.is_new) == ("2", True)
    assert (again.version, again.is_new) == ("1", False)
    version = MlflowClient(tracking.uri, registry_uri=tracking.uri).get_model_version("iris", "1")
    assert version.run_id == first
    assert version.source == f"{reading.run(first).artifacts}/student"
    assert version.tags["fairkd.data"] == "iris"
    assert all(key.startswith("fairkd.") for key in version.tags)
    assert version.description == "the note"


def test_a_run_without_a_model_is_refused(tracking: MlflowTracking) -> None:
    run_id = finished(tracking, "old", model=False)
    reading = MlflowReading(tracking.uri)
    with pytest.raises(TrackingError, match=r"\(old\) holds no model that MLflow can serve; run"):
        register(tracking.uri, reading, reading.run(run_id), "iris")


def test_a_name_that_mlflow_refuses_is_a_sentence(tracking: MlflowTracking) -> None:
    run_id = finished(tracking, "first")
    reading = MlflowReading(tracking.uri)
    with pytest.raises(TrackingError, match=r"register the model a/b"):
        register(tracking.uri, reading, reading.run(run_id), "a/b")


def test_a_name_may_hold_quotes(tracking: MlflowTracking) -> None:
    run_id = finished(tracking, "first")
    reading = MlflowReading(tracking.uri)
    name = 'nora\'s "best" net'
    found = [register(tracking.uri, reading, reading.run(run_id), name) for _ in range(2)]
    assert [(one.version, one.is_new) for one in found] == [("1", True), ("1", False)]


def test_a_store_whose_artifacts_were_moved(tracking: MlflowTracking, tmp_path: Path) -> None:
    run_id = finished(tracking, "first")
    (tmp_path / "mlartifacts").rename(tmp_path / "moved")
    reading = MlflowReading(tracking.uri, artifacts=tmp_path / "moved")
    register(tracking.uri, reading, reading.run(run_id), "iris")
    version = MlflowClient(tracking.uri, registry_uri=tracking.uri).get_model_version("iris", "1")
    assert version.source == f"{(tmp_path / 'moved').as_uri()}/{run_id}/artifacts/student"
