"""A student's network as TorchScript, from prepared features to probabilities."""

import copy
import io
import warnings

import torch
from torch import Tensor, nn

from fairkd.errors import ConfigError, first_line
from fairkd.models.int8 import Int8
from fairkd.serving.agreement import Score, Scored
from fairkd.serving.student import Rows, Student


class _Probabilities(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.model(x)
        return logits.double().softmax(-1)


def torchscript(student: Student) -> bytes:
    """The network from features ``[B, ...]`` to probabilities ``[B, C]``, for ``torch.jit.load``.

    Raises:
        ConfigError: the network is a quantised one, or cannot be traced.
    """
    if isinstance(student.model, Int8):
        raise ConfigError(
            f"The {student.description.serves} student is a graph of ONNX with weights of 8 bits, "
            "which TorchScript cannot hold; use format=onnx or format=mlflow."
        )
    example = torch.zeros(2, *student.description.shape)
    written = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what tracing may miss: the rows will tell
            fixed = copy.deepcopy(_Probabilities(student.model)).requires_grad_(False).eval()
            traced = torch.jit.trace(fixed, (example,))  # type: ignore[no-untyped-call]
            torch.jit.save(traced, written)
    except (RuntimeError, TypeError, ValueError) as error:
        problem = first_line(error)
        raise ConfigError(
            f"{type(student.model).__name__} cannot be traced as TorchScript ({problem}); use "
            "format=onnx or format=mlflow."
        ) from error
    return written.getvalue()


def torchscript_score(script: bytes, student: Student) -> Score:
    """What such a network makes of rows that the student's preparation prepared."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        loaded = torch.jit.load(io.BytesIO(script))  # type: ignore[no-untyped-call]

    def score(rows: Rows) -> Scored:
        with torch.inference_mode():
            return Scored(loaded(torch.from_numpy(student.prepared(rows))).numpy())

    return score
