"""A trained model with weights of eight bits, as ONNX Runtime runs it."""

import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fairkd.errors import ConfigError

_INPUT, _OUTPUT = "x", "logits"
_NEEDED = {"onnx": "onnx", "onnxruntime": "onnxruntime", "onnxscript": "onnxscript"}


class Int8(nn.Module):
    """A quantised model: a graph in ONNX's format, run by ONNX Runtime on the CPU.

    It has no parameters and no gradient. Its state is the graph as ONNX writes it, so that a store
    of tensors holds it.

    Args:
        graph: the graph's bytes, uint8, shape ``[N]``; none before a state is loaded.
        work: parameters, those that are not 0, and multiply-adds of the model it was made from,
            int64, shape ``[3]``.
    """

    graph: Tensor
    work: Tensor

    def __init__(self, graph: Tensor | None = None, work: Tensor | None = None) -> None:
        super().__init__()
        self.feature_names: tuple[str, ...] = ()
        empty = torch.empty(0, dtype=torch.uint8)
        self.register_buffer("graph", empty if graph is None else graph)
        self.register_buffer("work", torch.zeros(3, dtype=torch.int64) if work is None else work)
        self._session: Any = None

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape ``[B, C]``, on the device of ``x``."""
        if self._session is None:
            self._session = _session(self.graph.cpu().numpy().tobytes())
        (logits,) = self._session.run([_OUTPUT], {_INPUT: x.detach().cpu().float().numpy()})
        return torch.from_numpy(logits).to(x.device, x.dtype)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Int8":
        return Int8(self.graph.clone(), self.work.clone())

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *arguments: Any, **keywords: Any
    ) -> None:
        """Take a graph of any size."""
        given = state_dict.get(f"{prefix}graph")
        if given is not None:
            self.graph = torch.empty_like(given)
            self._session = None
        super()._load_from_state_dict(state_dict, prefix, *arguments, **keywords)


def quantised(model: nn.Module, rows: Tensor, work: Sequence[int], *, static: bool) -> Int8:
    """The model with 8-bit weights, one scale for each output of a layer.

    Linear layers and convolutions are quantised. What goes into them is rounded to 8 bits as well:
    with a scale found anew for every call (dynamic: Krishnamoorthi, "Quantizing deep convolutional
    networks for efficient inference", 2018), or one that is found here once (static).

    Args:
        model: trained, on the CPU.
        rows: training rows, shape ``[N, ...]``: they show a static quantisation what range values
            have.
        work: see `Int8`.
        static: whether scales of what goes into layers are found once.

    Raises:
        ConfigError: the libraries are missing, or the model cannot be written as an ONNX graph.
    """
    check_int8_available()
    from onnxruntime.quantization import CalibrationDataReader, quantize_dynamic, quantize_static

    class Rows(CalibrationDataReader):  # type: ignore[misc]  # the library has no types
        def __init__(self) -> None:
            self._left: Iterator[dict[str, Any]] = iter([{_INPUT: rows.numpy()}])

        def get_next(self) -> dict[str, Any] | None:
            return next(self._left, None)

    with tempfile.TemporaryDirectory() as name, _no_advice():
        whole, small = Path(name, "whole.onnx"), Path(name, "int8.onnx")
        _write(model, rows[:2], whole)
        if static:
            quantize_static(whole, small, Rows(), per_channel=True)
        else:
            quantize_dynamic(whole, small, per_channel=True)
        graph = torch.from_numpy(np.frombuffer(small.read_bytes(), dtype=np.uint8).copy())
    return Int8(graph, torch.tensor(work))


def check_int8_available() -> None:
    """Refuse quantisation where its libraries are missing.

    Raises:
        ConfigError: naming how to install them.
    """
    missing = [name for module, name in _NEEDED.items() if find_spec(module) is None]
    if missing:
        raise ConfigError(
            f"Quantisation needs {', '.join(missing)}, which is not installed; "
            "pip install 'fairkd[compression]', or leave compression=quantise out."
        )


def _write(model: nn.Module, rows: Tensor, path: Path) -> None:
    # From two rows, so that nothing in the graph takes the number of rows for a constant.
    try:
        program = torch.onnx.export(
            model.eval(),
            (rows,),
            input_names=[_INPUT],
            output_names=[_OUTPUT],
            dynamic_shapes=({0: torch.export.Dim("rows")},),
            verbose=False,
        )
    except Exception as error:  # whatever the exporter meets in a user's model
        problem = str(error).strip().partition("\n")[0].rstrip(".")
        raise ConfigError(
            f"{type(model).__name__} cannot be written as an ONNX graph, so it cannot be "
            f"quantised ({problem}); use compression=prune or compression=none."
        ) from error
    assert program is not None  # as no file was named
    written = program.model_proto
    del written.graph.value_info[:]  # quantisation transposes weights, whose shapes stand there too
    path.write_bytes(written.SerializeToString())


@contextmanager
def _no_advice() -> Iterator[None]:
    """Keep the libraries' advice, which is not for the user, out of a job's output."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def _session(graph: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors; advice on the graph is not for the user
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
