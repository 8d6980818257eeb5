"""ONNX Runtime, on the CPU and with torch's number of threads."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import torch

from fairkd.errors import ConfigError


def session_of(graph: bytes | str) -> Any:
    """What runs a graph.

    Args:
        graph: its bytes, or its file, beside which parts of it may lie.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors; advice on the graph is not for the user
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def check_installed(needed: Mapping[str, str], what: str, instead: str) -> None:
    """Refuse what needs libraries that are missing.

    Args:
        needed: the package of each module.
        what: needs them, to begin a sentence with.
        instead: what to do without them.

    Raises:
        ConfigError: naming how to install them.
    """
    missing = [name for module, name in needed.items() if find_spec(module) is None]
    if missing:
        raise ConfigError(
            f"{what} needs {', '.join(missing)}, which is not installed; "
            f"pip install 'fairkd[compression]', or {instead}."
        )
