"""A student written for other programs, and checked before it gets its name."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from fairkd.data.dataset import PREPARATION
from fairkd.models.onnx_graph import check_onnx_available
from fairkd.serving.agreement import Agreement, agreement
from fairkd.serving.probe_rows import probe_rows
from fairkd.serving.student import Rows, Student

SCRIPT = "student.pt"
"""The network's file in a folder with its preparation."""


def checking_rows(student: Student, kept: Rows | None, *, typed: bool = False) -> Rows:
    """The rows that an export is checked on: those that were kept of training, and made ones.

    Args:
        student: whose rows.
        kept: of training; ``None`` without any.
        typed: see `probe_rows`.
    """
    made = probe_rows(student, typed=typed)
    if kept is None:
        return made
    if isinstance(made, pd.DataFrame) and isinstance(kept, pd.DataFrame):
        return pd.concat([kept[list(made.columns)], made], ignore_index=True)
    return np.concatenate([np.asarray(kept, dtype=np.float32), made])


def write_onnx(student: Student, rows: Rows, known: Mapping[str, str], path: Path) -> Agreement:
    """Write the student with its preparation as an ONNX file, once it says what the student says.

    Args:
        student: what is exported.
        rows: raw, to check it on.
        known: for the file's metadata, by name.
        path: of the file.

    Raises:
        ConfigError: ONNX's libraries are missing, or the network cannot be written as a graph.
        DataError: it says something else.
    """
    check_onnx_available("format=onnx", "use format=torchscript or format=mlflow")
    from fairkd.serving.onnx_file import onnx_graph, onnx_score

    graph = onnx_graph(student, known)
    found = agreement(student, onnx_score(graph, student), rows)
    path.write_bytes(graph)
    return found


def write_torchscript(student: Student, rows: Rows, folder: Path) -> Agreement:
    """Write the network as TorchScript, and beside it what makes features of raw rows.

    Args:
        student: what is exported.
        rows: raw, to check it on.
        folder: to be made.

    Raises:
        ConfigError: the network cannot be written so.
        DataError: it says something else.
    """
    from fairkd.serving.torchscript_file import torchscript, torchscript_score

    script = torchscript(student)
    found = agreement(student, torchscript_score(script, student), rows)
    folder.mkdir()
    (folder / SCRIPT).write_bytes(script)
    student.description.save(folder)
    if student.preparation is not None:
        student.preparation.save(folder / PREPARATION)
    return found
