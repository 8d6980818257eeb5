"""``fairkd export``, from the command line."""

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from fairkd.commands.export import USAGE
from fairkd.data.dataset import Dataset
from fairkd.data.tabular import TabularPreparation
from fairkd.serving.student import Student
from fairkd.tracking.mlflow_tracking import MlflowTracking

COLUMNS = ["year", "age", "checks", "employed", "citizen"]


@pytest.fixture
def run_id(tracked: list[str], job: Path, arrests: Dataset) -> str:
    """One of the tracked runs, with the job's student as its own."""
    with MlflowTracking(experiment="fairkd").resume(tracked[0]) as run:
        for file in job.rglob("*.*"):
            run.log_file(file, str(Path("student", file.relative_to(job).parent)))
        described = Student.load(job).description
        run.log_model("student", described, arrests.raw["train"][COLUMNS].head(2), {})
    return tracked[0]


def test_onnx_from_a_run(
    fairkd: Any, workplace: Path, run_id: str, job: Path, arrests: Dataset
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    ended = fairkd("export", f"run={run_id[:12]}", "out=new/student.onnx")
    assert (ended.code, ended.err) == (0, "")
    written, of, takes, checked = ended.out.splitlines()
    assert written == f"written  {workplace}/new/student.onnx"
    assert of == f"of       w0·s0, run {run_id}: its student"
    assert takes == "takes    raw columns: year, age, checks, employed, citizen"
    assert checked.startswith(
        "checked  on 2 rows of the training data and 256 rows made from its preparation, with "
        "values missing and unknown: probabilities differ by at most "
    )
    assert float(checked.rpartition(" ")[2]) <= 1e-5
    session = onnxruntime.InferenceSession("new/student.onnx")
    known = session.get_modelmeta().custom_metadata_map
    assert (known["fairkd.run_id"], known["fairkd.job_key"]) == (run_id, "k0.00")
    rows = arrests.raw["test"].head(50)
    fed = {name: rows[[name]].to_numpy(np.float64) for name in COLUMNS[:3]}
    fed |= {name: rows[[name]].to_numpy(object) for name in COLUMNS[3:]}
    probabilities, label = session.run(None, fed)
    own = Student.load(job)
    np.testing.assert_allclose(probabilities, own.probabilities(rows), rtol=0, atol=1e-5)
    assert label.tolist() == own.decisions(rows).tolist()
    assert [file.name for file in (workplace / "new").iterdir()] == ["student.onnx"]


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_torchscript_with_the_preparation_beside_it(
    fairkd: Any, job: Path, arrests: Dataset
) -> None:
    ended = fairkd("export", f"folder={job}", "format=torchscript", "out=script")
    assert (ended.code, ended.err) == (0, "")
    assert "takes    prepared features, as text cannot go in: preparation/ makes them" in ended.out
    rows = arrests.raw["test"]
    features = TabularPreparation.load(Path("script/preparation")).transform(rows)
    found = torch.jit.load("script/student.pt")(torch.from_numpy(features)).numpy()
    np.testing.assert_array_equal(found, Student.load(job).probabilities(rows))


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")
def test_a_folder_that_mlflow_serves(
    fairkd: Any, workplace: Path, job: Path, arrests: Dataset
) -> None:
    import mlflow.pyfunc

    ended = fairkd("export", f"folder={job}", "format=mlflow", "out=my model")
    assert (ended.code, ended.err) == (0, "")
    serve = next(line for line in ended.out.splitlines() if line.startswith("serve "))
    words = shlex.split(serve)[1:]
    assert words[:5] == ["mlflow", "models", "serve", "-m", f"{workplace}/my model"]
    rows = arrests.raw["test"][COLUMNS].head(20)
    found = mlflow.pyfunc.load_model(words[4]).predict(rows)
    pd.testing.assert_frame_equal(found, Student.load(job).probabilities(rows))
    assert json.loads((workplace / "my model" / "student.json").read_text())["serves"] == "student"


def test_what_is_there_is_written_over_only_by_its_like(
    fairkd: Any, workplace: Path, job: Path
) -> None:
    words = ["export", f"folder={job}", "format=torchscript", "out=script"]
    assert fairkd(*words).code == 0
    assert fairkd(*words).err.startswith("out=script is there already; give another out, or add")
    before = Path("script/student.pt").stat().st_ino
    assert fairkd(*words, "overwrite=true").code == 0
    assert Path("script/student.pt").stat().st_ino != before
    Path("script/mine.txt").write_text("mine")
    ended = fairkd(*words, "overwrite=true")
    assert (ended.code, ended.err) == (
        1,
        "out=script is there, with what no export of this format writes (mine.txt); give another "
        "out.\n",
    )
    assert Path("script/mine.txt").read_text() == "mine"
    assert [file.name for file in workplace.iterdir()] == ["script"]


def test_without_onnx(fairkd: Any, job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairkd.models.onnx_graph.find_spec", lambda name: None)
    ended = fairkd("export", f"folder={job}", "out=student.onnx")
    assert (ended.code, ended.err) == (
        1,
        "format=onnx needs onnx, onnxruntime, onnxscript, which is not installed; pip install "
        "'fairkd[compression]', or use format=torchscript or format=mlflow.\n",
    )
    assert list(Path().iterdir()) == []


def test_a_run_without_a_student(fairkd: Any, tracked: list[str]) -> None:
    ended = fairkd("export", f"run={tracked[0]}", "out=student.onnx")
    assert ended.code == 1
    assert ended.err.startswith(f"student of run {tracked[0]} (w0·s0) cannot be read from ")


def test_the_best_of_a_sweep(fairkd: Any, tracked: list[str], job: Path) -> None:
    for one in tracked:
        with MlflowTracking(experiment="fairkd").resume(one) as run:
            for file in job.rglob("*.*"):
                run.log_file(file, str(Path("student", file.relative_to(job).parent)))
    ended = fairkd("export", "sweep=s", "threshold=1", "format=torchscript", "out=script")
    assert (ended.code, ended.err) == (0, "")
    assert "chosen   on validation it is the most accurate whose gap is within 1 (w=" in ended.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["out=a"], "No runs are named; give one of run=, sweep=, query=, folder=."),
        (["run=a"], "No place is given; write out=PATH."),
        (["run=a", "out=a", "format=pickle"], "format=pickle is not known; accepted: onnx, torchs"),
        (["folder=a", "out=a", "threshold=0.1"], "threshold=0.1 chooses among several jobs"),
        (["run=a", "out=a", "overwrite=yes"], "overwrite=yes is not known; accepted: false, true."),
    ],
)
def test_wrong_usage(fairkd: Any, workplace: Path, words: list[str], sentence: str) -> None:
    ended = fairkd("export", *words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(sentence)
    assert list(workplace.iterdir()) == []


def test_help(fairkd: Any) -> None:
    assert fairkd("export", "--help") == (0, USAGE, "")
    assert max(map(len, USAGE.splitlines())) <= 100
