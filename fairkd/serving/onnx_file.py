"""A student as one ONNX graph, from raw rows to probabilities and the decided class."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pandas as pd
import torch
from onnx import TensorProto, compose, helper

from fairkd import __version__
from fairkd.data.fitted_parts import FittedParts
from fairkd.data.values import MISSING, as_categories, as_numbers
from fairkd.models.int8 import Int8
from fairkd.models.onnx_graph import INPUT, OUTPUT, network_graph, session
from fairkd.serving.agreement import Score, Scored
from fairkd.serving.preparation_graph import (
    ML_DOMAIN,
    ML_VERSION,
    Nodes,
    add_preparation,
    raw_inputs,
)
from fairkd.serving.student import Rows, Student

ROWS = "rows"
PROBABILITIES, LABEL = "probabilities", "label"
_INSTEAD = "it cannot be exported as one", "use format=torchscript or format=mlflow"


def onnx_graph(student: Student, known: Mapping[str, str]) -> bytes:
    """The student with its preparation in ONNX's format, for any number of rows.

    Inputs are the raw columns under their names, shape ``[rows, 1]`` (numbers float64, NaN where
    missing; everything else text, empty where missing); of a student of arrays one input ``rows``,
    float32. Outputs are ``probabilities``, float64, shape ``[rows, C]``, and ``label``, text, shape
    ``[rows]``, decided at the student's threshold. (A column of such a name gives the output an
    underscore at its end.)

    Args:
        student: what is exported.
        known: more to write among the graph's metadata, by name.

    Raises:
        ConfigError: the network cannot be written as a graph.
    """
    columns = () if student.preparation is None else student.preparation.columns
    prefix = _unlike("/", columns)
    network = compose.add_prefix(_network(student), prefix=f"{prefix}network/")
    nodes = Nodes(prefix)
    if student.preparation is None:
        shape = [ROWS, *student.description.shape]
        inputs = [helper.make_tensor_value_info(ROWS, TensorProto.FLOAT, shape)]
        features = ROWS
    else:
        inputs = raw_inputs(student.preparation)
        features = add_preparation(nodes, student.preparation)
    logits = _add_network(nodes, network, features, prefix, by_row=_runs_by_row(student))
    outputs = _add_outputs(nodes, logits, student, columns)
    graph = helper.make_graph(nodes.nodes, "student", inputs, outputs, nodes.constants)
    model = helper.make_model(
        graph,
        opset_imports=_opsets(network),
        functions=network.functions,
        ir_version=network.ir_version,
        producer_name="fairkd",
        producer_version=__version__,
    )
    helper.set_model_props(model, {**_described(student), **known})
    onnx.checker.check_model(model)
    written: bytes = model.SerializeToString()
    return written


def onnx_score(graph: bytes, student: Student) -> Score:
    """What ONNX Runtime makes of raw rows by such a graph."""
    run = session(graph)
    names = [output.name for output in run.get_outputs()]

    def score(rows: Rows) -> Scored:
        found, decided = run.run(names, _fed(student, rows))
        return Scored(found, np.asarray(decided, dtype=object))

    return score


def _fed(student: Student, rows: Rows) -> dict[str, npt.NDArray[Any]]:
    """The graph's inputs by name, of rows as the student takes them."""
    prepared = student.preparation
    if prepared is None or not isinstance(rows, pd.DataFrame):
        return {ROWS: np.asarray(rows, dtype=np.float32)}
    fed: dict[str, npt.NDArray[Any]] = {name: as_numbers(rows[name]) for name in prepared.numeric}
    known = FittedParts.of(prepared).categories
    for name, values in zip(prepared.categorical, known, strict=True):
        texts = as_categories(rows[name])
        # An empty text means a missing one, unless it is a value of its own.
        fed[name] = texts if "" in values else np.where(texts == MISSING, "", texts)
    return {name: values[:, None] for name, values in fed.items()}


def _network(student: Student) -> Any:
    if isinstance(student.model, Int8):
        network = onnx.load_model_from_string(student.model.graph.numpy().tobytes())
        del network.graph.value_info[:]
        return network
    return network_graph(student.model, torch.zeros(2, *student.description.shape), *_INSTEAD)


def _runs_by_row(student: Student) -> bool:
    return isinstance(student.model, Int8) and bool(student.model.by_row)


def _add_network(nodes: Nodes, network: Any, features: str, prefix: str, *, by_row: bool) -> str:
    """Add the network behind the features and return the name of its logits."""
    takes, gives = f"{prefix}network/{INPUT}", f"{prefix}network/{OUTPUT}"
    if not by_row:
        nodes.add("Identity", features, named=takes)
        nodes.nodes.extend(network.graph.node)
        nodes.constants.extend(network.graph.initializer)
        return gives
    # Scales found at each call are those of all its rows; one row at a time has only its own.
    body = Nodes(f"{prefix}row/")
    row, row_logits = f"{prefix}row/{INPUT}", f"{prefix}row/{OUTPUT}"
    first = body.constant(np.zeros(1, dtype=np.int64))
    body.add("Unsqueeze", row, first, named=takes)
    body.nodes.extend(network.graph.node)
    body.add("Squeeze", gives, first, named=row_logits)
    shape = [one.dim_value for one in network.graph.input[0].type.tensor_type.shape.dim][1:]
    graph = helper.make_graph(
        body.nodes,
        "row",
        [helper.make_tensor_value_info(row, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(row_logits, TensorProto.FLOAT, None)],
        [*body.constants, *network.graph.initializer],
    )
    return nodes.add("Scan", features, body=graph, num_scan_inputs=1)


def _add_outputs(nodes: Nodes, logits: str, student: Student, columns: Sequence[str]) -> list[Any]:
    described = student.description
    precise = nodes.add("Cast", logits, to=TensorProto.DOUBLE)
    name = _free(PROBABILITIES, columns)
    probabilities = nodes.add("Softmax", precise, named=name, axis=-1)
    if described.threshold is None:
        chosen = nodes.add("ArgMax", probabilities, axis=1, keepdims=0)
    else:
        second = nodes.constant(np.array(1, dtype=np.int64))
        positive = nodes.add("Gather", probabilities, second, axis=1)
        threshold = nodes.constant(np.array(described.threshold, dtype=np.float64))
        holds = nodes.add("GreaterOrEqual", positive, threshold)
        chosen = nodes.add("Cast", holds, to=TensorProto.INT64)
    classes = nodes.constant(np.array(described.classes, dtype=object))
    label = nodes.add("Gather", classes, chosen, named=_free(LABEL, columns))
    width = len(described.classes)
    return [
        helper.make_tensor_value_info(probabilities, TensorProto.DOUBLE, [ROWS, width]),
        helper.make_tensor_value_info(label, TensorProto.STRING, [ROWS]),
    ]


def _opsets(network: Any) -> list[Any]:
    known = {one.domain: one.version for one in network.opset_import}
    known.setdefault(ML_DOMAIN, ML_VERSION)
    return [helper.make_opsetid(domain, version) for domain, version in known.items()]


def _described(student: Student) -> dict[str, str]:
    described = student.description
    return {
        "fairkd.classes": json.dumps(described.classes),
        "fairkd.threshold": json.dumps(described.threshold),
        "fairkd.serves": described.serves,
        "fairkd.columns": json.dumps([list(column) for column in described.columns]),
        "fairkd.exported_by": f"fairkd {__version__}, torch {torch.__version__}, "
        f"onnx {onnx.__version__}",
    }


def _unlike(mark: str, columns: Sequence[str]) -> str:
    """The mark, repeated until no column begins with it."""
    found = mark
    while any(column.startswith(found) for column in columns):
        found += mark
    return found


def _free(name: str, columns: Sequence[str]) -> str:
    """The name, with underscores until it is no column's."""
    return name if name not in columns else _free(f"{name}_", columns)
