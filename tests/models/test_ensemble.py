from functools import partial

import numpy as np
import pytest
import torch

from fairkd.errors import ConfigError
from fairkd.models.convnet import ConvNet
from fairkd.models.ensemble import Ensemble
from fairkd.models.features import run
from fairkd.models.linear import Linear
from fairkd.models.mlp import MLP

MEMBERS = {"a": partial(MLP, hidden=[5]), "b": partial(MLP, hidden=[4]), "c": Linear}


def _ensemble(**given) -> tuple[Ensemble, torch.Tensor]:
    torch.manual_seed(0)
    return Ensemble((4,), 3, MEMBERS, **given), torch.randn(6, 4)


@pytest.mark.parametrize("weights", [None, {"a": 1, "b": 3, "c": 0.5}, {"b": 2}])
def test_combinations_are_weighted_means(weights):
    shares = [1 / 3] * 3 if weights is None else [weights.get(n, 0) for n in "abc"]
    shares = [s / sum(shares) for s in shares]
    model, x = _ensemble(weights=weights)
    with torch.no_grad():
        logits = [model.members[name](x).numpy() for name in "abc"]
        expected = sum(s * z for s, z in zip(shares, logits, strict=True))
        np.testing.assert_allclose(model(x), expected, rtol=1e-4, atol=1e-6)
        by_probability, _ = _ensemble(weights=weights, combine="mean_probabilities")
        p = [np.exp(z) / np.exp(z).sum(1, keepdims=True) for z in logits]
        mixed = sum(s * q for s, q in zip(shares, p, strict=True))
        np.testing.assert_allclose(by_probability(x).softmax(-1), mixed, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(by_probability(x).exp(), mixed, rtol=1e-4, atol=1e-6)


def test_weights_to_be_learned_are_alike_until_they_are():
    model, x = _ensemble(weights="learned")
    plain, _ = _ensemble()
    assert model.learns_weights
    assert not plain.learns_weights
    assert torch.equal(model(x), plain(x))


def test_members_logits_are_features():
    model, x = _ensemble()
    seen = run(model, x, model.feature_names).features
    assert list(seen) == ["members.a", "members.b", "members.c"]
    for name, value in seen.items():
        assert torch.equal(value, model.get_submodule(name)(x))


def test_members_of_images_get_their_shape():
    model = Ensemble((3, 8, 8), 4, {"conv": partial(ConvNet, channels=[2]), "flat": Linear})
    assert model(torch.rand(2, 3, 8, 8)).shape == (2, 4)
    assert model.members["flat"].head.in_features == 192


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"combine": "median"},
            "combine=median is not known; accepted: mean_logits, mean_probabilities.",
        ),
        ({"weights": {"d": 1.0}}, "Unknown member in weights 'd'. Accepted: a, b, c."),
        (
            {"weights": "best"},
            "weights=best is not known; accepted: learned, null for all alike, or how much each "
            "member counts, as {a:2,b:1}.",
        ),
        (
            {"weights": [1, 2, 3]},
            "weights=[1,2,3] is not known; accepted: learned, null for all alike, or how much each "
            "member counts, as {a:2,b:1}.",
        ),
        ({"weights": {"a": 0}}, "weights are all 0; give at least one member a weight above 0."),
    ],
)
def test_what_cannot_work_is_refused(given, sentence):
    with pytest.raises(ConfigError) as refused:
        _ensemble(**given)
    assert str(refused.value) == sentence


def test_one_member_is_no_ensemble():
    with pytest.raises(ConfigError, match="the number of members=1 is out of range"):
        Ensemble((4,), 3, {"a": Linear})
