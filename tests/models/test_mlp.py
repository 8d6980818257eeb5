import pytest
import torch
from torch import nn

from fairkd.errors import ConfigError
from fairkd.models.features import feature_names, run
from fairkd.models.linear import Linear
from fairkd.models.mlp import MLP


def test_layers_are_named_and_shaped_as_asked():
    model = MLP(4, 3, hidden=[5, 6, 7])
    assert feature_names(model) == ("hidden1", "hidden2", "hidden3")
    outputs = run(model, torch.zeros(2, 4), feature_names(model))
    assert [outputs.features[name].shape for name in feature_names(model)] == [
        (2, 5),
        (2, 6),
        (2, 7),
    ]
    assert outputs.logits.shape == (2, 3)
    shapes = {name: tuple(p.shape) for name, p in model.named_parameters() if "weight" in name}
    assert shapes == {
        "hidden1.0.weight": (5, 4),
        "hidden2.0.weight": (6, 5),
        "hidden3.0.weight": (7, 6),
        "head.weight": (3, 7),
    }


@pytest.mark.parametrize(
    ("activation", "function"),
    [
        ("relu", torch.relu),
        ("gelu", nn.functional.gelu),
        ("silu", lambda x: x * torch.sigmoid(x)),
        ("tanh", torch.tanh),
    ],
)
def test_the_activation_is_the_one_named(activation, function):
    model = MLP(2, 2, hidden=[3], activation=activation)
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    outputs = run(model, x, ("hidden1.0", "hidden1"))
    torch.testing.assert_close(outputs.features["hidden1"], function(outputs.features["hidden1.0"]))


def test_dropout_acts_while_training_only():
    model = MLP(2, 2, hidden=[400], dropout=0.5)
    x = torch.ones(1, 2)
    kept = run(model.eval(), x, ("hidden1",)).features["hidden1"]
    assert torch.equal(kept, run(model, x, ("hidden1",)).features["hidden1"])
    dropped = run(model.train(), x, ("hidden1",)).features["hidden1"]
    survivors = dropped != 0
    torch.testing.assert_close(dropped[survivors], 2 * kept[survivors])
    positive = int((kept > 0).sum())
    assert 0.4 * positive < int(survivors.sum()) < 0.6 * positive


@pytest.mark.parametrize("build", [lambda n, c: MLP(n, c, hidden=[4]), Linear])
def test_images_are_flattened(build):
    model = build(12, 2)
    x = torch.randn(3, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model(x), model(x.reshape(3, 12)))


def test_linear_is_one_layer_without_features():
    model = Linear(4, 3)
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model(x), x @ model.head.weight.T + model.head.bias)
    assert feature_names(model) == ()
    with pytest.raises(ConfigError) as refused:
        run(model, x, ("hidden1",))
    assert str(refused.value) == "Unknown layer of Linear 'hidden1'. Accepted: none."


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"hidden": []},
            "the number of hidden layers=0 is out of range; "
            "accepted: a whole number of at least 1.",
        ),
        ({"hidden": [8, 0]}, "hidden=0 is out of range; accepted: a whole number of at least 1."),
        (
            {"hidden": [8.5]},
            "hidden=8.5 is not a whole number; accepted: a whole number of at least 1.",
        ),
        (
            {"activation": "relu6"},
            "activation=relu6 is not known; accepted: relu, gelu, silu, tanh.",
        ),
        ({"dropout": 1.0}, "dropout=1.0 is out of range; accepted: a number from 0 to 0.95."),
    ],
)
def test_what_cannot_work_is_refused(arguments, sentence):
    with pytest.raises(ConfigError) as refused:
        MLP(4, 2, **arguments)
    assert str(refused.value) == sentence
