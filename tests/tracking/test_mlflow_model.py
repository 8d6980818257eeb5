"""A run's student as a model: MLflow loads it and gets the student's own probabilities."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.models import Model
from mlflow.tracking import MlflowClient

from fairkd import __version__
from fairkd.data.arrests import load_arrests
from fairkd.data.dataset import Dataset
from fairkd.job_folder import write_student
from fairkd.models.mlp import MLP
from fairkd.serving.description import Description
from fairkd.serving.student import Student
from fairkd.tracking.mlflow_model import model_files
from fairkd.tracking.mlflow_tracking import MlflowTracking

# MLflow warns of its own type hints as soon as it loads a model.
pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")

Rows = Callable[..., list[tuple[Any, ...]]]
IMAGES = Description({"_target_": "own.Net"}, (3, 4, 4), ("no", "yes", "so"), None, ())


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_arrests(seed=0)


@pytest.fixture
def student(tmp_path: Path, dataset: Dataset) -> Path:
    weights = {"student": MLP(dataset.n_features, 2, hidden=(4,)).state_dict()}
    section = {"_target_": "fairkd.models.mlp.MLP", "hidden": [4]}
    folder = tmp_path / "job"
    write_student(folder, weights, dataset, Description.of(section, dataset, 0.5, weights))
    return folder


@pytest.fixture
def run_id(tracking: MlflowTracking, dataset: Dataset, student: Path) -> str:
    """A finished run with the student's files, and what makes them a model."""
    with tracking.start("arrests·T4·w0.3·s1", {}, {"fairkd.data": "arrests"}) as run:
        for file in student.rglob("*.*"):
            run.log_file(file, str(Path("student", file.relative_to(student).parent)))
        described = Description.load(student)
        example = dataset.raw["train"][[column.name for column in described.columns]].head(2)
        numbers = {"test/accuracy": 0.75, "test/disparity": float("nan")}
        run.log_model("student", described, example, numbers)
    return run.run_id


def test_mlflow_loads_it_without_any_pickle(
    tracking: MlflowTracking, run_id: str, dataset: Dataset, student: Path, monkeypatch
) -> None:
    monkeypatch.setattr("pickle.load", None)
    monkeypatch.setattr("pickle.loads", None)
    client = MlflowClient(tracking.uri)
    folder = Path(client.get_run(run_id).info.artifact_uri.removeprefix("file://")) / "student"
    assert not list(folder.rglob("*.pkl"))
    served = mlflow.pyfunc.load_model(str(folder))
    needed = [column.name for column in Student.load(student).description.columns]
    rows = dataset.raw["test"][needed].head(7)
    expected = Student.load(student).probabilities(rows)
    pd.testing.assert_frame_equal(served.predict(rows[needed[::-1]]), expected)
    assert served.metadata.get_input_schema().input_names() == needed
    assert [str(kind) for kind in served.metadata.get_input_schema().input_types()] == [
        *["DataType.long"] * 3,
        *["DataType.string"] * 2,
    ]
    example = served.input_example
    pd.testing.assert_frame_equal(
        served.predict(example), Student.load(student).probabilities(dataset.raw["train"].head(2))
    )
    with pytest.raises(mlflow.exceptions.MlflowException, match=r"missing inputs \['age'\]"):
        served.predict(rows.drop(columns="age"))


def test_it_is_one_of_the_experiments_models(
    tracking: MlflowTracking, run_id: str, tmp_path: Path, rows: Rows
) -> None:
    client = MlflowClient(tracking.uri)
    run = client.get_run(run_id)
    (output,) = run.outputs.model_outputs
    model = client.get_logged_model(output.model_id)
    assert model.name == "arrests·T4·w0_3·s1"  # MLflow accepts no full stop
    assert model.source_run_id == run_id
    assert str(model.status) == "READY"
    assert model.artifact_location == f"{run.info.artifact_uri}/student"  # no second copy
    assert {one.key: one.value for one in model.metrics} == {"test/accuracy": 0.75}
    found = client.search_logged_models([run.info.experiment_id], "metrics.`test/accuracy` > 0.7")
    assert [one.model_id for one in found] == [output.model_id]


def test_requirements_are_the_running_versions(student: Path) -> None:
    files = model_files("student", "r", Description.load(student), pd.DataFrame({"a": [1]}))
    comment, *wanted = files["requirements.txt"].splitlines()
    # Anybody may take the name on an index: pip must not look for it there.
    assert comment == f"# and fairkd {__version__}, installed from its own source"
    assert not any("fairkd" in line for line in wanted)
    assert f"mlflow=={mlflow.__version__}" in wanted
    assert not [line for line in wanted if "+" in line or line.startswith("onnxruntime")]


def test_arrays_have_a_shape_instead_of_columns(tmp_path: Path) -> None:
    example = np.arange(48, dtype=np.float32).reshape(1, 3, 4, 4)
    files = model_files("student", "r", IMAGES, example)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    model = Model.load(tmp_path)
    (spec,) = model.signature.inputs.inputs
    assert (spec.shape, spec.type) == ((-1, 3, 4, 4), np.dtype("float32"))
    assert model.signature.outputs.input_names() == ["no", "yes", "so"]
    np.testing.assert_array_equal(model.load_input_example(tmp_path), example)
    assert json.loads(files["serving_input_example.json"])["inputs"] == example.tolist()


def test_a_missing_value_of_an_example_is_null() -> None:
    rows = pd.DataFrame({"a": [1.5, None], "b": ["x", None]})
    files = model_files("student", "r", IMAGES, rows)
    split = json.loads(files["serving_input_example.json"])["dataframe_split"]
    assert split == {"columns": ["a", "b"], "data": [[1.5, "x"], [None, None]]}
