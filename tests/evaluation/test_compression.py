import math

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from fairkd.evaluation.compression import (
    Cost,
    architecture,
    cost,
    latency,
    ratios_to_teacher,
    work,
)
from fairkd.models.int8 import quantised


def _cost(model, example, repeats):
    return cost(model, example, latency(model, example, repeats))


def test_known_cost_of_a_small_network(tmp_path):
    model = nn.Sequential(nn.Linear(10, 4), nn.ReLU(), nn.Linear(4, 2))
    found = _cost(model, torch.zeros(1, 10), 3)
    assert found.parameters == 10 * 4 + 4 + 4 * 2 + 2
    assert found.multiply_adds == 10 * 4 + 4 * 2
    assert found.not_counted == ("ReLU",)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    assert found.bytes == (tmp_path / "model.safetensors").stat().st_size
    assert 0 < found.latency_ms_batch_1 < 1000
    assert 0 < found.latency_ms_batch_256 < 1000


def test_multiply_adds_are_half_of_torchs_flops():
    model = nn.Sequential(
        nn.Conv2d(4, 8, (3, 5), stride=2, padding=1, groups=2),
        nn.BatchNorm2d(8),
        nn.Conv2d(8, 6, 1),
        nn.Flatten(1),
        nn.LazyLinear(5),
    )
    example = torch.randn(1, 4, 12, 12)
    model(example.expand(2, -1, -1, -1))
    counter = FlopCounterMode(display=False)
    with counter:
        model.eval()(example)
    found = _cost(model, example, 1)
    assert 2 * found.multiply_adds == counter.get_total_flops()
    assert found.not_counted == ("BatchNorm2d", "Flatten")


def test_layers_that_are_never_called_are_listed():
    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.MultiheadAttention(4, 1, batch_first=True)

        def forward(self, x):
            return self.inner(x, x, x)[0]

    found = _cost(Attention(), torch.zeros(1, 3, 4), 1)
    assert found.multiply_adds == 0
    assert found.not_counted == ("MultiheadAttention", "NonDynamicallyQuantizableLinear")


def test_shared_weights_cost_once():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(64, 64)
            self.second = nn.Linear(64, 64)
            self.second.weight = self.first.weight

        def forward(self, x):
            return self.second(self.first(x))

    found = _cost(Tied(), torch.zeros(1, 64), 1)
    assert found.parameters == 64 * 64 + 2 * 64
    assert 4 * found.parameters < found.bytes < 4 * found.parameters + 500
    assert found.multiply_adds == 2 * 64 * 64


def test_the_model_is_left_as_it_was_found():
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
    model.train()
    model[1].eval()
    _cost(model, torch.ones(1, 3), 1)
    assert [m.training for m in model] == [True, False, True]
    assert model[1].num_batches_tracked == 0
    assert not model[0]._forward_hooks
    model(torch.ones(2, 3)).sum().backward()
    assert model[0].weight.grad is not None


def test_ratios():
    teacher = Cost(100, 100, 400, 0, 2.0, 8.0, ())
    student = Cost(25, 20, 200, 10, 1.0, 2.0, ())
    found = ratios_to_teacher(student, teacher)
    assert math.isnan(found.pop("multiply_adds"))
    assert found == pytest.approx(
        {
            "parameters": 0.25,
            "nonzero": 0.2,
            "bytes": 0.5,
            "latency_ms_batch_1": 0.5,
            "latency_ms_batch_256": 0.25,
        }
    )


def test_an_architecture_is_everything_but_the_weights():
    def net(width=4, dropout=0.1, activation=nn.ReLU):
        return nn.Sequential(nn.Linear(3, width), activation(), nn.Dropout(dropout))

    class Repeated(nn.Module):
        def __init__(self, times):
            super().__init__()
            self.inner, self.times = nn.Linear(3, 3), times

    assert architecture(net()) == architecture(net().eval())
    others = [net(5), net(dropout=0.2), net(activation=nn.Tanh), net().double()]
    assert len({architecture(model) for model in [net(), *others]}) == 5
    assert architecture(Repeated(1)) == architecture(Repeated(1)) != architecture(Repeated(2))


def test_a_known_latency_is_taken_over():
    model = nn.Linear(3, 2)
    timed = latency(model, torch.zeros(1, 3), 1)
    found = cost(nn.Linear(3, 2), torch.zeros(1, 3), timed)
    assert (found.latency_ms_batch_1, found.latency_ms_batch_256) == timed


def test_parameters_that_are_not_0():
    model = nn.Linear(10, 4)
    with torch.no_grad():
        model.weight[0] = 0.0
        model.bias[1:] = 0.0
    found = _cost(model, torch.zeros(1, 10), 1)
    assert found.parameters == 44
    assert found.nonzero == 44 - 10 - 3


def test_a_quantised_model_costs_the_work_of_its_original_and_its_own_bytes():
    model = nn.Sequential(nn.Linear(100, 200), nn.ReLU(), nn.Linear(200, 2)).eval()
    example = torch.zeros(1, 100)
    small = quantised(model, torch.randn(8, 100), work(model, example), static=False)
    whole, found = _cost(model, example, 1), _cost(small, example, 1)
    assert found.parameters == whole.parameters
    assert found.multiply_adds == whole.multiply_adds == 100 * 200 + 200 * 2
    assert found.bytes < 0.4 * whole.bytes
    assert found.not_counted == ()
