import numpy as np
import pytest
import torch

from fairkd.distillation.attention import (
    AttentionTransfer,
    NeuronSelectivity,
    attention_transfer,
    neuron_selectivity,
)
from fairkd.errors import ConfigError

SHAPES = [((3, 2, 2), (5, 2, 2)), ((2, 3, 3), (2, 3, 3)), ((2, 4, 4), (3, 4, 4))]


def _attention(s: np.ndarray, t: np.ndarray) -> float:
    maps = []
    for f in (s, t):
        channels, height, width = f.shape
        q = [
            sum(f[c, i, j] ** 2 for c in range(channels)) / channels
            for i in range(height)
            for j in range(width)
        ]
        maps.append(np.array(q) / np.linalg.norm(q))
    return float(np.mean((maps[0] - maps[1]) ** 2))


def _selectivity(s: np.ndarray, t: np.ndarray) -> float:
    a, b = ([c.ravel() / np.linalg.norm(c.ravel()) for c in f] for f in (s, t))

    def kernel(first: list[np.ndarray], second: list[np.ndarray]) -> float:
        return float(np.mean([[(u @ v) ** 2 for v in second] for u in first]))

    return kernel(a, a) + kernel(b, b) - 2 * kernel(a, b)


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize(
    ("loss", "by_loops"), [(attention_transfer, _attention), (neuron_selectivity, _selectivity)]
)
def test_losses_equal_loops_over_channels_and_places(pair, loss, by_loops, shapes):
    p = pair(rows=3).with_features(*shapes)
    ours, theirs = p.student.features["f"], p.teacher.features["f"]
    expected = [by_loops(s, t) for s, t in zip(ours.numpy(), theirs.numpy(), strict=True)]
    np.testing.assert_allclose(loss(ours, theirs), expected, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("loss", [attention_transfer, neuron_selectivity])
@pytest.mark.parametrize("shapes", SHAPES)
def test_gradients_are_right_and_vanish_between_equal_features(pair, loss, shapes):
    p = pair(rows=2).with_features(*shapes)
    ours, theirs = p.student.features["f"].requires_grad_(), p.teacher.features["f"]
    assert torch.autograd.gradcheck(lambda f: loss(f, theirs), (ours,))
    same = theirs.clone().requires_grad_()
    value = loss(same, theirs)
    torch.testing.assert_close(value, torch.zeros_like(value), rtol=0, atol=1e-12)
    (gradient,) = torch.autograd.grad(value.sum(), same)
    torch.testing.assert_close(gradient, torch.zeros_like(same), rtol=0, atol=1e-9)


@pytest.mark.parametrize("loss", [attention_transfer, neuron_selectivity])
def test_scale_and_order_of_channels_do_not_matter(pair, loss):
    p = pair(rows=3).with_features((4, 3, 3), (4, 3, 3))
    ours, theirs = p.student.features["f"], p.teacher.features["f"]
    torch.testing.assert_close(
        loss(5 * ours[:, [2, 0, 3, 1]], theirs), loss(ours, theirs), rtol=1e-9, atol=1e-12
    )


def test_stages_add_up_and_a_larger_map_is_averaged(pair):
    p = pair(rows=3).with_features((2, 4, 4), (3, 2, 2))
    ours, theirs = p.student.features["f"], p.teacher.features["f"]
    pooled = ours.unfold(2, 2, 2).unfold(3, 2, 2).mean((4, 5))
    once = p.connect(AttentionTransfer(1.0, "f", "f"))
    torch.testing.assert_close(p.value(once), attention_transfer(pooled, theirs))
    twice = p.connect(AttentionTransfer(1.0, ["f", "f"], ["f", "f"]))
    torch.testing.assert_close(p.value(twice), 2 * attention_transfer(pooled, theirs))


@pytest.mark.parametrize("kind", [AttentionTransfer, NeuronSelectivity])
@pytest.mark.parametrize("shape", [(4,), (4, 1, 1)])
def test_a_layer_without_places_is_refused(pair, kind, shape):
    p = pair().with_features(shape, (4, 2, 2))
    term = kind(1.0, "f", "f")
    with pytest.raises(ConfigError) as refused:
        p.connect(term)
    assert str(refused.value) == (
        f"distillation={term.name} compares places of an image, and 'f' gives rows of shape "
        f"{list(shape)}; name a layer of shape [C, H, W] in "
        f"distillation.terms.{term.name}.student_layer and teacher_layer, or use "
        "distillation=hint."
    )
