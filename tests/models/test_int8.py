import copy

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from fairkd.errors import ConfigError
from fairkd.models.convnet import ConvNet
from fairkd.models.int8 import Int8, check_quantisable, quantised
from fairkd.models.mlp import MLP

WORK = (1, 2, 3)


def _spread(shape: tuple[int, ...]) -> Tensor:
    return torch.randn(256, *shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize(
    ("model", "shape"),
    [(MLP(7, 3, (16, 8)), (7,)), (ConvNet((3, 8, 8), 10, (8, 16)), (3, 8, 8))],
    ids=["mlp", "convnet"],
)
def test_logits_are_near_those_of_the_model(model, shape, static):
    x = _spread(shape)
    with torch.inference_mode():
        expected = model.eval()(x)
    small = quantised(model, x, WORK, static=static)
    found = small(x)
    assert found.dtype == expected.dtype
    # 8 bits of each of a few layers' ranges.
    assert float((found - expected).abs().max()) < 0.05 * float(expected.abs().max())
    assert not torch.equal(found, expected)
    assert small(x[:1]).shape == (1, expected.shape[1])


@pytest.mark.parametrize("static", [False, True])
def test_a_rows_logits_do_not_depend_on_its_company(static):
    model, x = MLP(7, 3, (16,)), _spread((7,))
    small = quantised(model, x, WORK, static=static)
    together = small(x)
    loud = x.clone()
    loud[0] *= 50
    assert torch.equal(small(loud)[1:], together[1:])
    one_by_one = torch.cat([small(row) for row in x.split(1)])
    torch.testing.assert_close(one_by_one, together, rtol=0, atol=1e-5)


def test_weights_take_a_quarter_of_the_bytes():
    model = MLP(100, 2, (256, 256))
    small = quantised(model, _spread((100,)), WORK, static=False)
    floats = 4 * sum(p.numel() for p in model.parameters())
    assert 0.2 * floats < small.graph.numel() < 0.35 * floats


@pytest.mark.parametrize("static", [False, True])
def test_weights_of_seven_bits_cannot_overflow_sums_in_sixteen(static):
    graph = quantised(MLP(100, 2, (64,)), _spread((100,)), WORK, static=static).graph
    kept = {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in onnx.load_from_string(graph.numpy().tobytes()).graph.initializer
    }
    weights = [array for array in kept.values() if array.dtype == np.int8 and array.ndim == 2]
    assert len(weights) == 2
    largest = max(abs(array.astype(int)).max() for array in weights)
    assert 2 * largest * 255 < 2**15


def test_it_has_no_parameters_and_comes_back_from_its_state():
    model = MLP(7, 3, (16,))
    x = _spread((7,))
    small = quantised(model, x, WORK, static=False)
    assert not list(small.parameters())
    again = Int8()
    again.load_state_dict(small.state_dict())
    assert torch.equal(again(x), small(x))
    assert torch.equal(copy.deepcopy(small)(x), small(x))
    assert again.work.tolist() == list(WORK)


def test_the_same_model_is_quantised_alike_twice():
    model, x = MLP(7, 3, (16,)), _spread((7,))
    first, second = (quantised(model, x, WORK, static=True) for _ in range(2))
    assert torch.equal(first(x), second(x))


def test_a_model_that_no_graph_can_say_is_refused(capfd):
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(7, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x) if float(x.sum()) > 0 else -self.layer(x)

    with pytest.raises(ConfigError, match="Branching cannot be written as an ONNX graph") as told:
        quantised(Branching(), _spread((7,)), WORK, static=False)
    assert "\x1b" not in str(told.value)
    with pytest.raises(ConfigError, match="Branching cannot be written as an ONNX graph"):
        check_quantisable(Branching(), _spread((7,)))
    out, err = capfd.readouterr()
    assert out == err == ""


def test_without_the_libraries_the_sentence_says_how_to_install_them(monkeypatch):
    monkeypatch.setattr("fairkd.models.onnx_session.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"onnxruntime.*pip install 'fairkd\[compression\]'"):
        quantised(MLP(7, 3), _spread((7,)), WORK, static=False)
