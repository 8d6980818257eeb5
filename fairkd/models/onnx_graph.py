"""Models as graphs in ONNX's format, written by torch's exporter."""

import contextlib
import copy
import io
import logging
import re
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from fairkd.errors import ConfigError, first_line

INPUT, OUTPUT = "x", "logits"
"""The names of the one input and the one output of a network's graph."""

NEEDED = {name: name for name in ("onnx", "onnxruntime", "onnxscript")}
"""For `fairkd.models.onnx_session.check_installed`: what writing a graph needs, and running it."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def network_graph(model: nn.Module, rows: Tensor, so: str, instead: str) -> Any:
    """A model as an ``onnx.ModelProto`` with the input `INPUT` and the output `OUTPUT`.

    Args:
        model: on the CPU; it is left as it is.
        rows: at least two, shape ``[B, ...]``, so that nothing in the graph takes the number of
            rows for a constant.
        so: what cannot be done with a model that has no graph, for the sentence.
        instead: what to do then.

    Raises:
        ConfigError: the model cannot be written as an ONNX graph.
    """
    told = io.StringIO()
    try:
        with without_advice(), contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            program = torch.onnx.export(
                copy.deepcopy(model).eval(),
                (rows,),
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes=({0: torch.export.Dim("rows")},),
                verbose=False,
            )
    except Exception as error:  # whatever the exporter meets in a user's model
        raise ConfigError(
            f"{type(model).__name__} cannot be written as an ONNX graph, so {so} "
            f"({_innermost(error)}); {instead}."
        ) from error
    assert program is not None  # as no file was named
    written = program.model_proto
    del written.graph.value_info[:]  # quantisation transposes weights, whose shapes stand there too
    return written


@contextlib.contextmanager
def without_advice() -> Iterator[None]:
    """Keep the libraries' advice, which is not for the user, out of a job's output."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def _innermost(error: BaseException) -> str:
    """The first line of what an exporter stumbled over."""
    while error.__cause__ is not None:
        error = error.__cause__
    return _COLOUR.sub("", first_line(error))
