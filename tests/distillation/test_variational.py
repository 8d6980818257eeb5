import math

import numpy as np
import pytest
import torch

from fairkd.distillation.feature import Variational, variational
from fairkd.models.features import ModelOutputs


@pytest.mark.parametrize("shape", [(4,), (4, 2, 2)])
def test_value_is_the_normal_log_likelihood_up_to_its_constant(pair, shape):
    p = pair(rows=3).with_features(shape, shape)
    mean, seen = p.student.features["f"], p.teacher.features["f"]
    variance = torch.tensor([0.5, 1.0, 2.0, 4.0]).double()
    of_channel = variance.reshape(-1, *[1] * (len(shape) - 1)).expand(shape)
    normal = torch.distributions.Normal(mean, of_channel.sqrt())
    expected = -normal.log_prob(seen).flatten(1).mean(1) - math.log(2 * math.pi) / 2
    torch.testing.assert_close(variational(mean, seen, variance), expected)


def test_variances_start_at_5_and_are_trained_with_the_projection(pair):
    p = pair(rows=3).with_features((4,), (6,))
    term = p.connect(Variational(1.0, "f", "f"))
    weight, bias = term.projections[0].weight, term.projections[0].bias
    mean = p.student.features["f"] @ weight.T + bias
    expected = variational(mean, p.teacher.features["f"], torch.full((6,), 5.0).double())
    torch.testing.assert_close(p.value(term), expected)
    p.value(term).sum().backward()
    assert {name for name, v in term.named_parameters() if v.grad is not None} == {
        "raw_variances.0", "projections.0.weight", "projections.0.bias",
    }  # fmt: skip


def test_the_best_variance_is_the_mean_squared_error(pair):
    p = pair(rows=200).with_features((1,), (1,))
    mean, seen = p.student.features["f"], p.teacher.features["f"]
    error = float((mean - seen).square().mean())
    grid = np.linspace(0.5 * error, 2 * error, 301)
    values = [float(variational(mean, seen, torch.tensor([v])).mean()) for v in grid]
    assert grid[int(np.argmin(values))] == pytest.approx(error, rel=0.01)


def test_gradients_are_right(pair):
    p = pair(rows=3).with_features((4,), (2,))
    term = p.connect(Variational(1.0, "f", "f"))

    def of(feature, *parameters):
        names = [name for name, _ in term.named_parameters()]
        given = dict(zip(names, parameters, strict=True))
        outputs = ModelOutputs(p.student.logits, {"f": feature})
        return torch.func.functional_call(
            term, given, (outputs, p.teacher, p.batch, torch.tensor(0.0))
        )

    inputs = [p.student.features["f"], *(v.detach() for v in term.parameters())]
    assert torch.autograd.gradcheck(of, tuple(v.requires_grad_() for v in inputs))
