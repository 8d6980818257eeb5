"""An ONNX file says of raw rows what the student says."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from fairkd.models.convnet import ConvNet
from fairkd.serving.agreement import agreement
from fairkd.serving.description import Description
from fairkd.serving.probe_rows import probe_rows
from fairkd.serving.student import Student

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from fairkd.serving.onnx_file import onnx_graph, onnx_score  # noqa: E402  # needs both

ABOUT_1E_5 = 1e-5


def run(graph: bytes, fed: dict[str, Any]) -> list[np.ndarray]:
    return onnxruntime.InferenceSession(graph).run(None, fed)


@pytest.fixture(scope="module")
def student(student_of: Callable[..., Student]) -> Student:
    return student_of()


@pytest.fixture(scope="module")
def graph(student: Student) -> bytes:
    return onnx_graph(student, {"fairkd.run_id": "r1"})


def test_raw_columns_by_hand(graph: bytes, student: Student) -> None:
    """Missing, empty and unknown values, and a number beyond float32's digits."""
    frame = pd.DataFrame(
        {
            "age": [31.5, np.nan, 60.0, 47.25],
            "year": [2001.0, 1995.0, np.nan, 2042.0],
            "never": [np.nan, 3.0, np.nan, np.nan],
            "job": ["clerk", "", "astronaut", "nurse"],
            "/town": ["Ærø", None, "Bø", " Bø"],
            "member": ["True", "False", None, "True"],
            "probabilities": [2.0**40 + 1, 7.0, 0.1, np.nan],
        }
    )
    numbers = ("age", "year", "never", "probabilities")
    fed = {
        name: frame[[name]].to_numpy()
        if name in numbers
        else frame[[name]].fillna("").to_numpy(object)
        for name in frame
    }
    probabilities, label = run(graph, fed)
    expected = student.probabilities(frame)
    np.testing.assert_allclose(probabilities, expected.to_numpy(), rtol=0, atol=ABOUT_1E_5)
    assert label.tolist() == student.decisions(frame).tolist()
    assert probabilities.dtype == np.float64
    one = {name: values[2:3] for name, values in fed.items()}
    np.testing.assert_allclose(run(graph, one)[0], probabilities[2:3], rtol=0, atol=1e-7)


def test_rows_of_everything_that_the_preparation_knows(graph: bytes, student: Student) -> None:
    found = agreement(student, onnx_score(graph, student), probe_rows(student))
    assert found.largest <= ABOUT_1E_5


def test_a_missing_text_is_its_own_category_where_it_was_one(
    student_of: Callable[..., Student], training: pd.DataFrame
) -> None:
    """An empty text is one of ``job``'s categories, and means a missing one nowhere else."""
    of_towns = training["/town"].where(training["age"] > 40)
    student = student_of()
    refitted = type(student.preparation).fit(
        training.assign(**{"/town": of_towns}),
        label="hired",
        classes=("no", "yes"),
        features=student.preparation.columns,
        groups=["sex"],
    )
    width = len(refitted.feature_names)
    described = Description(
        student.description.model, (width,), ("no", "yes"), 0.5, student.description.columns
    )
    student = Student(described, nn.Linear(width, 2), refitted)
    rows = training.head(8)
    texts = {"job": ["", "clerk"] * 4, "/town": ["", "Bø"] * 4}
    given = rows.assign(**texts)
    fed = {name: given[[name]].to_numpy(np.float64) for name in refitted.numeric}
    fed |= {name: given[[name]].astype(str).to_numpy(object) for name in refitted.categorical}
    probabilities, _ = run(onnx_graph(student, {}), fed)
    with_none = given.assign(**{"/town": [None, "Bø"] * 4})
    expected = student.probabilities(with_none).to_numpy()
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=ABOUT_1E_5)


def test_inputs_outputs_and_what_the_file_knows(graph: bytes, student: Student) -> None:
    read = onnx.load_model_from_string(graph)
    session = onnxruntime.InferenceSession(graph)
    kinds = {one.name: (one.type, one.shape) for one in session.get_inputs()}
    assert list(kinds) == list(student.preparation.columns)
    assert kinds["age"] == ("tensor(double)", ["rows", 1])
    assert kinds["member"] == ("tensor(string)", ["rows", 1])
    outputs = {one.name: one.shape for one in session.get_outputs()}
    assert outputs == {"probabilities_": ["rows", 2], "label": ["rows"]}
    known = {one.key: one.value for one in read.metadata_props}
    assert known.pop("fairkd.exported_by").startswith("fairkd ")
    assert json.loads(known.pop("fairkd.columns"))[0] == ["age", "number"]
    assert known == {
        "fairkd.classes": '["no", "yes"]',
        "fairkd.threshold": "0.5",
        "fairkd.serves": "student",
        "fairkd.run_id": "r1",
    }


class Even(nn.Module):
    """Equal logits, so that every row is a tie."""

    def __init__(self, in_features: int, n_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(in_features, n_classes)
        for parameter in self.head.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(x)


@pytest.mark.parametrize(
    ("classes", "threshold", "decided"),
    [(("no", "yes"), 0.5, "yes"), (("no", "yes"), 0.5 + 1e-12, "no"), (("a", "b", "c"), None, "a")],
)
def test_a_tie_is_decided_as_the_student_decides_it(
    student_of: Callable[..., Student],
    classes: tuple[str, ...],
    threshold: float | None,
    decided: str,
) -> None:
    student = student_of(classes, threshold, Even)
    rows = probe_rows(student)
    found = onnx_score(onnx_graph(student, {}), student)(rows)
    assert set(student.decisions(rows)) == set(found.decided) == {decided}


@pytest.mark.parametrize("static", [False, True])
def test_weights_of_8_bits(student_of: Callable[..., Student], static: bool) -> None:
    """Scales that are found at every call are those of one row, whatever rows stand beside it."""
    pytest.importorskip("onnxruntime.quantization")
    from fairkd.models.int8 import quantised

    whole = student_of()
    rows = probe_rows(whole)
    shown = torch.from_numpy(whole.prepared(rows))
    small = Student(
        whole.description,
        quantised(whole.model, shown, [1, 1, 1], static=static),
        whole.preparation,
    )
    score = onnx_score(onnx_graph(small, {}), small)
    assert agreement(small, score, rows).largest <= ABOUT_1E_5
    first = score(rows.head(1)).probabilities
    np.testing.assert_allclose(score(rows).probabilities[:1], first, rtol=0, atol=1e-12)


def test_images_are_one_input() -> None:
    described = Description({"_target_": "own.Net"}, (1, 8, 8), ("a", "b", "c"), None, ())
    student = Student(described, ConvNet((1, 8, 8), 3, channels=(4,)).eval(), None)
    graph = onnx_graph(student, {})
    (only,) = onnxruntime.InferenceSession(graph).get_inputs()
    assert (only.name, only.type, only.shape) == ("rows", "tensor(float)", ["rows", 1, 8, 8])
    assert agreement(student, onnx_score(graph, student), probe_rows(student)).rows == 256
