"""TorchScript takes prepared features and gives the student's probabilities."""

import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from fairkd.errors import ConfigError, DataError
from fairkd.models.int8 import Int8
from fairkd.serving.agreement import agreement
from fairkd.serving.probe_rows import probe_rows
from fairkd.serving.student import Student
from fairkd.serving.torchscript_file import torchscript, torchscript_score


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_features_of_any_number_of_rows(student_of: Callable[..., Student]) -> None:
    student = student_of()
    script = torchscript(student)
    rows = probe_rows(student)
    loaded = torch.jit.load(io.BytesIO(script))
    for part in (rows, rows.head(1), rows.head(0)):
        found = loaded(torch.from_numpy(student.prepared(part))).numpy()
        np.testing.assert_array_equal(found, student.probabilities(part).to_numpy())


class Switching(nn.Module):
    """A network whose path depends on its rows, which tracing cannot see."""

    def __init__(self, in_features: int, n_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(in_features, n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(x) if x.abs().sum() > 0 else self.head(x) * 0


def test_a_network_that_cannot_be_traced_is_found_out(student_of: Callable[..., Student]) -> None:
    student = student_of(model=Switching)
    with pytest.raises(DataError, match="probabilities differ from the student's"):
        agreement(student, torchscript_score(torchscript(student), student), probe_rows(student))


def test_a_quantised_student_is_refused(student_of: Callable[..., Student]) -> None:
    with pytest.raises(ConfigError, match=r"a graph of ONNX's .* use format=onnx or format=mlflow"):
        torchscript(student_of(model=lambda _, __: Int8()))
