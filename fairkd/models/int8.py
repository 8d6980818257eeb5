"""A trained model with weights of eight bits, as ONNX Runtime runs it."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fairkd.models.onnx_graph import INPUT, NEEDED, OUTPUT, network_graph, without_advice
from fairkd.models.onnx_session import check_installed, session_of

INT8_STATE = frozenset({"graph", "work", "by_row"})
"""The names of an `Int8`'s tensors."""

_WRITTEN: set[str] = set()  # models that were found to have a graph, so that it is tried once
_INSTEAD = "it cannot be quantised", "use compression=prune or compression=none"


class Int8(nn.Module):
    """A quantised model: a graph in ONNX's format, run by ONNX Runtime on the CPU.

    It has no parameters and no gradient. Its state is the graph as ONNX writes it, so that a store
    of tensors holds it.

    Args:
        graph: the graph's bytes, uint8, shape ``[N]``; none before a state is loaded.
        by_row: whether rows are run one by one: the scales that a graph finds at every call are
            those of all rows together, and no row's logits shall depend on its company.
        work: parameters, those that are not 0, and multiply-adds of the model it was made from,
            int64, shape ``[3]``.
    """

    graph: Tensor
    work: Tensor
    by_row: Tensor

    def __init__(
        self, graph: Tensor | None = None, work: Tensor | None = None, *, by_row: bool = False
    ) -> None:
        super().__init__()
        self.feature_names: tuple[str, ...] = ()
        empty = torch.empty(0, dtype=torch.uint8)
        self.register_buffer("graph", empty if graph is None else graph)
        self.register_buffer("work", torch.zeros(3, dtype=torch.int64) if work is None else work)
        self.register_buffer("by_row", torch.tensor(by_row))
        self._session: Any = None

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape ``[B, C]``, on the device of ``x``."""
        if self._session is None:
            self._session = session_of(self.graph.cpu().numpy().tobytes())
        rows = x.detach().cpu().float()
        parts = torch.split(rows, 1) if self.by_row and len(rows) else (rows,)
        found = [self._session.run([OUTPUT], {INPUT: part.numpy()})[0] for part in parts]
        return torch.from_numpy(np.concatenate(found)).to(x.device, x.dtype)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Int8":
        return Int8(self.graph.clone(), self.work.clone(), by_row=bool(self.by_row))

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
    with a scale that is found here once (static), or one found anew for every row (dynamic).
    (Krishnamoorthi, "Quantizing deep convolutional networks for efficient inference", 2018.)

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
            self._left: Iterator[dict[str, Any]] = iter([{INPUT: rows.numpy()}])

        def get_next(self) -> dict[str, Any] | None:
            return next(self._left, None)

    with tempfile.TemporaryDirectory() as name, without_advice():
        whole, small = Path(name, "whole.onnx"), Path(name, "int8.onnx")
        whole.write_bytes(_graph(model, rows[:2]))
        # Weights of 7 bits: sums of two products of 8 overflow where a CPU has no VNNI.
        if static:
            quantize_static(whole, small, Rows(), per_channel=True, reduce_range=True)
        else:
            quantize_dynamic(whole, small, per_channel=True, reduce_range=True)
        graph = torch.from_numpy(np.frombuffer(small.read_bytes(), dtype=np.uint8).copy())
    return Int8(graph, torch.tensor(work), by_row=not static)


def check_quantisable(model: nn.Module, rows: Tensor) -> None:
    """Refuse, before it is trained, a model that cannot be quantised.

    Args:
        model: untrained.
        rows: at least two, shape ``[B, ...]``.

    Raises:
        ConfigError: the libraries are missing, or the model cannot be written as an ONNX graph.
    """
    check_int8_available()
    described = repr([(name, type(m), list(m._parameters)) for name, m in model.named_modules()])
    if described not in _WRITTEN:
        _graph(model, rows[:2])
        _WRITTEN.add(described)


def check_int8_available() -> None:
    """Refuse quantisation where its libraries are missing.

    Raises:
        ConfigError: naming how to install them.
    """
    check_installed(NEEDED, "Quantisation", "leave compression=quantise out")


def _graph(model: nn.Module, rows: Tensor) -> bytes:
    graph: bytes = network_graph(model, rows, *_INSTEAD).SerializeToString()
    return graph
