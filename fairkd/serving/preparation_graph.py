"""The preparation of raw rows as nodes of an ONNX graph: imputing, scaling, one-hot."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

from fairkd.data.fitted_parts import FittedParts
from fairkd.data.tabular import TabularPreparation
from fairkd.data.values import MISSING

ML_DOMAIN = "ai.onnx.ml"
ML_VERSION = 3
"""Of that domain's operators; any later one has `LabelEncoder` as well."""

_UNKNOWN = -1


@dataclass
class Nodes:
    """Nodes that are put together, with the constants that they use.

    Attributes:
        prefix: begins the name of each value and constant, so that none is a raw column's.
        nodes: in the order in which they are run.
        constants: their tensors.
    """

    prefix: str
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def add(self, operator: str, *inputs: str, named: str = "", **attributes: Any) -> str:
        """Add a node and return the name of its output.

        Args:
            operator: of ONNX's own domain, or `LabelEncoder`.
            inputs: names of values.
            named: the output's name; without one it gets a new name.
            attributes: of the operator.
        """
        output = named or f"{self.prefix}{len(self.nodes)}"
        domain = {"domain": ML_DOMAIN} if operator == "LabelEncoder" else {}
        self.nodes.append(helper.make_node(operator, inputs, [output], **domain, **attributes))
        return output

    def constant(self, value: npt.ArrayLike) -> str:
        """Add a constant and return its name."""
        name = f"{self.prefix}constant{len(self.constants)}"
        array = np.asarray(value)
        if array.dtype.kind in "UO":
            texts = [str(text).encode() for text in array.ravel()]
            tensor = helper.make_tensor(name, TensorProto.STRING, array.shape, texts)
        else:
            tensor = numpy_helper.from_array(array, name)
        self.constants.append(tensor)
        return name


def raw_inputs(preparation: TabularPreparation) -> list[Any]:
    """The graph's inputs: each raw column under its name, shape ``[rows, 1]``.

    Numbers are float64, NaN where missing; categories are text, empty where missing.
    """
    kinds = dict.fromkeys(preparation.numeric, TensorProto.DOUBLE)
    kinds |= dict.fromkeys(preparation.categorical, TensorProto.STRING)
    return [helper.make_tensor_value_info(name, kind, ["rows", 1]) for name, kind in kinds.items()]


def add_preparation(nodes: Nodes, preparation: TabularPreparation) -> str:
    """Add what turns raw columns into features as `TabularPreparation.transform` does.

    Returns:
        The name of the features, float32, shape ``[rows, D]``.
    """
    parts = FittedParts.of(preparation)
    found = []
    if preparation.numeric:
        found += _numbers(nodes, preparation.numeric, parts)
    for name, known in zip(preparation.categorical, parts.categories, strict=True):
        found.append(_one_hot(nodes, name, known))
    return nodes.add("Concat", *found, axis=1)


def _numbers(nodes: Nodes, names: tuple[str, ...], parts: FittedParts) -> list[str]:
    raw = nodes.add("Concat", *names, axis=1)
    missing = nodes.add("IsNaN", raw)
    # In float64 to the end, as scikit-learn does it: 2002.0 - 1999.5 keeps all its digits.
    whole = nodes.add("Where", missing, nodes.constant(parts.medians[None]), raw)
    centred = nodes.add("Sub", whole, nodes.constant(parts.means[None]))
    scaled = nodes.add("Div", centred, nodes.constant(parts.scales[None]))
    found = [nodes.add("Cast", scaled, to=TensorProto.FLOAT)]
    if parts.indicated:
        places = nodes.constant(np.array(parts.indicated, dtype=np.int64))
        indicated = nodes.add("Gather", missing, places, axis=1)
        found.append(nodes.add("Cast", indicated, to=TensorProto.FLOAT))
    return found


def _one_hot(nodes: Nodes, name: str, known: tuple[str, ...]) -> str:
    places = {value: place for place, value in enumerate(known)}
    if MISSING in places:
        places.setdefault("", places[MISSING])
    place = nodes.add(
        "LabelEncoder",
        name,
        keys_strings=list(places),
        values_int64s=list(places.values()),
        default_int64=_UNKNOWN,
    )
    every = nodes.constant(np.arange(len(known), dtype=np.int64)[None])
    return nodes.add("Cast", nodes.add("Equal", place, every), to=TensorProto.FLOAT)
