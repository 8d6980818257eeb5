from functools import partial

import pytest
import torch
from sklearn.naive_bayes import GaussianNB
from torch import Tensor, nn

from fairkd.errors import ConfigError
from fairkd.models.classifier import Classifier
from fairkd.models.convnet import ConvNet
from fairkd.models.ensemble import Ensemble
from fairkd.models.head import linear_head
from fairkd.models.linear import Linear
from fairkd.models.mlp import MLP
from fairkd.models.resnet import ResNet


class Net(nn.Module):
    """A perceptron whose logits are ``after`` of its head's outputs."""

    def __init__(self, after: nn.Module | None = None, head: nn.Module | None = None) -> None:
        super().__init__()
        self.body = nn.Linear(4, 4)
        self.head = nn.Linear(4, 4) if head is None else head
        self.after = nn.Identity() if after is None else after

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.after(self.head(self.body(x).relu()))
        return logits


class Twice(Net):
    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.head(x).relu())
        return logits


def _tied() -> Net:
    net = Net()
    net.body.weight = net.head.weight
    return net


@pytest.mark.parametrize(
    "model",
    [
        MLP(12, 3, (5, 3)),
        Linear(12, 3),
        ConvNet((3, 2, 2), 3, (2, 4)),
        ResNet((3, 2, 2), 3, depth=8, width=2),
    ],
    ids=lambda model: type(model).__name__,
)
def test_every_network_of_ours_has_one(model):
    before = model.training
    assert linear_head(model, torch.rand(9, 3, 2, 2)) is model.head
    assert model.training == before
    assert not any(m._forward_hooks for m in model.modules())


def test_an_own_network_needs_no_name_for_it():
    net = Net()
    assert linear_head(net, torch.randn(5, 4)) is net.head


@pytest.mark.parametrize(
    "model",
    [
        Net(nn.LogSoftmax(-1)),
        Net(nn.ReLU(inplace=True)),
        Net(head=nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))),
        Classifier(GaussianNB(), 4, 2),
        Ensemble((4,), 2, {"a": Linear, "b": partial(MLP, hidden=[2])}),
    ],
    ids=["log-softmax", "in place", "parametrised", "classifier", "ensemble"],
)
def test_models_without_one_are_refused(model):
    with pytest.raises(ConfigError) as refused:
        linear_head(model, torch.randn(50, 4))
    assert str(refused.value) == (
        f"{type(model).__name__} has no linear last layer, whose outputs are its logits as they "
        "are; accepted: models that end in a torch.nn.Linear (mlp, linear, convnet, resnet)."
    )


@pytest.mark.parametrize("model", [Twice(), _tied()], ids=["called twice", "shared weights"])
def test_a_layer_that_serves_more_than_the_logits_is_refused(model):
    with pytest.raises(ConfigError, match="uses its last layer 'head' in several places"):
        linear_head(model, torch.randn(50, 4))
