import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from fairkd.data.dataset import SPLITS
from fairkd.errors import ConfigError
from fairkd.models.answers import Answers
from fairkd.models.given.onnx_file import OnnxFile


def _network(width: int, seed: int = 0) -> nn.Linear:
    torch.manual_seed(seed)
    return nn.Linear(width, 2)


def _graph(network: nn.Linear, path, *, rows="rows", output="out", softmax=False, kind=None):
    """A linear model as a graph."""
    kind = kind or TensorProto.FLOAT
    dtype = {TensorProto.FLOAT: np.float32, TensorProto.DOUBLE: np.float64}[kind]
    inner = "inner" if softmax else output
    nodes = [helper.make_node("Gemm", ["x", "w", "b"], [inner], transB=1)]
    if softmax:
        nodes.append(helper.make_node("Softmax", [inner], [output], axis=-1))
    weights = {"w": network.weight, "b": network.bias}
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("x", kind, [rows, network.in_features])],
        [helper.make_tensor_value_info(output, kind, [rows, 2])],
        [numpy_helper.from_array(v.detach().numpy().astype(dtype), n) for n, v in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, str(path))
    return str(path)


def _told(path, dataset, **how):
    model = Answers(len(dataset.classes))
    OnnxFile(path, **how).check(model, dataset)
    OnnxFile(path, **how).fill(model, dataset)
    return model


@pytest.mark.parametrize("rows", ["rows", 7])
@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.DOUBLE])
def test_logits_are_the_networks_for_any_or_a_fixed_number_of_rows(rows, kind, dataset, tmp_path):
    network = _network(dataset.n_features)
    path = _graph(network, tmp_path / "net.onnx", rows=rows, kind=kind)
    found = _told(path, dataset)
    for split in SPLITS:
        assert len(found.on(split)) == dataset.splits[split].size
        expected = network(dataset.splits[split].x)
        torch.testing.assert_close(found.on(split), expected, rtol=0, atol=1e-5)


def test_probabilities_are_seen_by_their_sums_or_their_name(dataset, tmp_path):
    network = _network(dataset.n_features)
    for output in ("out", "probabilities"):
        path = _graph(network, tmp_path / "net.onnx", softmax=True, output=output)
        found = _told(path, dataset).on("test")
        expected = network(dataset.splits["test"].x).log_softmax(-1)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    taken = _told(path, dataset, holds="logits").on("test")
    torch.testing.assert_close(taken, expected.exp(), rtol=0, atol=1e-5)


def test_the_same_shape_of_rows_is_asked_for(dataset, tmp_path):
    path = _graph(_network(dataset.n_features + 2), tmp_path / "wide.onnx")
    with pytest.raises(
        ConfigError, match=r"takes rows of shape \[5\]; accepted: one input of floa"
    ):
        _told(path, dataset)


def test_a_graph_that_mixes_rows_is_refused(dataset, tmp_path):
    path = _graph(_network(dataset.n_features), tmp_path / "net.onnx")
    model = onnx.load(path)
    model.graph.node.append(helper.make_node("ReduceMean", ["out", "first"], ["mean"]))
    model.graph.initializer.append(numpy_helper.from_array(np.array([0]), "first"))
    model.graph.output.append(helper.make_tensor_value_info("mean", TensorProto.FLOAT, None))
    onnx.save(model, path)
    with pytest.raises(ConfigError, match="gives 1 rows of outputs for 2 rows; accepted: a model"):
        _told(path, dataset, output="mean")


def test_an_output_is_found_by_its_name_or_asked_for(dataset, tmp_path):
    path = _graph(_network(dataset.n_features), tmp_path / "net.onnx")
    model = onnx.load(path)
    model.graph.node.append(helper.make_node("Identity", ["out"], ["again"]))
    model.graph.output.append(helper.make_tensor_value_info("again", TensorProto.FLOAT, None))
    onnx.save(model, path)
    with pytest.raises(ConfigError, match=r"it cannot be told which.*name one by output=NAME"):
        _told(path, dataset)
    assert len(_told(path, dataset, output="again").on("test"))
    with pytest.raises(ConfigError, match=r"Unknown output of .*'agan'; did you mean 'again'"):
        _told(path, dataset, output="agan")


def test_a_file_that_is_no_graph_is_refused(dataset, tmp_path):
    (tmp_path / "text.onnx").write_text("no graph")
    with pytest.raises(ConfigError, match=r"text\.onnx cannot be read as an ONNX model"):
        _told(str(tmp_path / "text.onnx"), dataset)


def test_weights_beside_the_graph_bear_its_name(dataset, tmp_path):
    network = _network(dataset.n_features)
    model = onnx.load(_graph(network, tmp_path / "net.onnx"))
    beside = {"save_as_external_data": True, "size_threshold": 0, "convert_attribute": False}
    onnx.save(model, str(tmp_path / "net.onnx"), location="net.onnx.data", **beside)
    assert (tmp_path / "net.onnx.data").is_file()
    found = _told(str(tmp_path / "net.onnx"), dataset).on("test")
    torch.testing.assert_close(found, network(dataset.splits["test"].x), rtol=0, atol=1e-5)
    onnx.save(
        onnx.load(str(tmp_path / "net.onnx")), str(tmp_path / "b.onnx"), location="w", **beside
    )
    with pytest.raises(ConfigError, match=r"keeps weights in w; accepted: in itself, or beside it"):
        _told(str(tmp_path / "b.onnx"), dataset)


def test_without_the_library_it_says_how_to_install_it(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr("fairkd.models.onnx_session.find_spec", lambda name: None)
    with pytest.raises(
        ConfigError, match=r"onnx, onnxruntime, which is not installed; pip install"
    ):
        _told("net.onnx", dataset)
