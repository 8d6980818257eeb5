import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from fairkd.errors import ConfigError
from fairkd.models.convnet import ConvNet
from fairkd.models.mlp import MLP
from fairkd.models.pruning import (
    check_restorable,
    mask_weights,
    remove_units,
    settle,
    shaped_like,
    weight_sparsity,
)
from fairkd.models.resnet import ResNet

FLAT, IMAGE = (7,), (3, 8, 8)


def _mlp() -> nn.Module:
    return MLP(7, 3, (20, 10), dropout=0.2)


def _convnet() -> nn.Module:
    return ConvNet(IMAGE, 3, (8, 16))


def _resnet() -> nn.Module:
    return ResNet(IMAGE, 3, depth=8, width=8)


NETWORKS = [(_mlp, FLAT), (_convnet, IMAGE), (_resnet, IMAGE)]
networks = pytest.mark.parametrize(("make", "shape"), NETWORKS)


def _weights(model: nn.Module) -> list[Tensor]:
    return [m.weight for m in model.modules() if isinstance(m, nn.Linear | nn.Conv2d)]


@networks
@pytest.mark.parametrize("sparsity", [0.3, 0.8, 0.95])
def test_exactly_the_smallest_weights_of_all_layers_become_0(make, shape, sparsity):
    model = make()
    before = torch.cat([w.detach().flatten() for w in _weights(model)])
    mask_weights(model, sparsity)
    settle(model)
    after = torch.cat([w.detach().flatten() for w in _weights(model)])
    n_zero = round(sparsity * len(before))
    assert int((after == 0).sum()) == n_zero
    kept = after != 0
    assert torch.equal(after[kept], before[kept])
    assert before[kept].abs().min() >= before[~kept].abs().max()
    assert weight_sparsity(model) == pytest.approx(n_zero / len(before))


def test_masks_leave_no_trace_and_everything_else_as_it_was():
    model = _mlp()
    before = copy.deepcopy(model)
    mask_weights(model, 0.5)
    settle(model)
    assert set(model.state_dict()) == set(before.state_dict())
    for name, value in before.state_dict().items():
        if name.endswith("bias"):
            assert torch.equal(model.state_dict()[name], value)


def test_what_is_masked_gets_no_gradient_and_stays_0_through_training():
    model = _mlp()
    mask_weights(model, 0.7)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
    masks = [m.weight_mask.clone() for m in model.modules() if hasattr(m, "weight_mask")]
    for _ in range(5):
        optimizer.zero_grad()
        model(torch.randn(16, 7)).square().sum().backward()
        optimizer.step()
    settle(model)
    for weight, mask in zip(_weights(model), masks, strict=True):
        assert torch.equal(weight == 0, mask == 0)


def test_a_second_round_goes_on_from_the_first():
    model = _mlp()
    mask_weights(model, 0.4)
    settle(model)
    first = [weight == 0 for weight in _weights(model)]
    mask_weights(model, 0.8)
    settle(model)
    assert weight_sparsity(model) == pytest.approx(0.8, abs=0.005)
    for weight, zero in zip(_weights(model), first, strict=True):
        assert bool((weight[zero] == 0).all())


@networks
def test_the_smaller_model_runs_and_is_smaller(make, shape):
    model = make()
    count = sum(p.numel() for p in model.parameters())
    remove_units(model, torch.randn(2, *shape), 0.5)
    assert model(torch.randn(5, *shape)).shape == (5, 3)
    # Half the units between two layers are a quarter of their weights.
    assert sum(p.numel() for p in model.parameters()) < 0.5 * count


def test_the_strongest_units_stay_in_their_order():
    model = MLP(2, 2, (4,))
    with torch.no_grad():
        model.hidden1[0].weight.copy_(torch.tensor([[5.0, 0], [0.1, 0], [0, 3.0], [0, 0.2]]))
        model.hidden1[0].bias.copy_(torch.tensor([1.0, 2.0, 3.0, 4.0]) / 100)
        model.head.weight.copy_(torch.tensor([[1.0, 0.1, 2.0, 0.1], [3.0, 0.1, 4.0, 0.1]]))
    remove_units(model, torch.randn(2, 2), 0.5)
    assert model.hidden1[0].weight.tolist() == [[5.0, 0.0], [0.0, 3.0]]
    assert model.hidden1[0].bias.tolist() == pytest.approx([0.01, 0.03])
    assert model.head.weight.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_units_that_say_nothing_are_taken_out_without_a_change():
    model = MLP(7, 3, (10, 10))
    with torch.no_grad():
        for layer in (model.hidden1[0], model.hidden2[0]):
            layer.weight[::2] = 0.0
            layer.bias[::2] = 0.0
        model.hidden2[0].weight[:, ::2] = 0.0
        model.head.weight[:, ::2] = 0.0
    x = torch.randn(6, 7)
    before = model(x)
    remove_units(model, x[:2], 0.5)
    assert model.hidden1[0].out_features == 5
    torch.testing.assert_close(model(x), before)


@pytest.mark.parametrize(
    ("units", "sparsity", "kept"), [(10, 0.8, 2), (64, 0.8, 13), (3, 0.99, 1), (8, 0.1, 8)]
)
def test_a_layer_keeps_at_least_the_share_and_at_least_one_unit(units, sparsity, kept):
    model = MLP(4, 2, (units,))
    remove_units(model, torch.randn(2, 4), sparsity)
    assert model.hidden1[0].out_features == kept


def test_rounds_end_where_one_step_does():
    whole = MLP(4, 2, (64, 30))
    model = copy.deepcopy(whole)
    for share in (0.3, 0.55, 0.8):
        remove_units(model, torch.randn(2, 4), share, whole)
    assert [w.shape[0] for w in _weights(model)] == [13, 6, 2]


def test_every_group_of_a_normalisation_loses_equally_many_channels():
    model = _convnet()
    groups = [m.num_groups for m in model.modules() if isinstance(m, nn.GroupNorm)]
    remove_units(model, torch.randn(2, *IMAGE), 0.9)
    norms = [m for m in model.modules() if isinstance(m, nn.GroupNorm)]
    assert [norm.num_groups for norm in norms] == groups
    assert [norm.num_channels for norm in norms] == groups  # one channel of each is left


@networks
def test_a_smaller_model_comes_back_from_its_state(make, shape):
    whole = make()
    model = copy.deepcopy(whole)
    remove_units(model, torch.randn(2, *shape), 0.5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.randn_like(parameter)
    again = shaped_like(whole, model.state_dict())
    x = torch.randn(4, *shape)
    assert torch.equal(again.eval()(x), model.eval()(x))
    described: Callable[[nn.Module], list[str]] = lambda m: [repr(each) for each in m.modules()]  # noqa: E731
    assert described(again) == described(model)
    assert sum(p.numel() for p in whole.parameters()) > sum(p.numel() for p in model.parameters())


def test_a_model_without_layers_to_prune_is_refused():
    class Nothing(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x

    with pytest.raises(ConfigError, match="Nothing cannot be pruned: it has no linear or"):
        mask_weights(Nothing(), 0.5)


def test_a_model_that_cannot_be_followed_is_refused():
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(4, 6)
            self.outer = nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            hidden = self.inner(x).view(len(x), 2, 3)  # the width stands in the code
            return self.outer(hidden.relu().sum(1))

    with pytest.raises(ConfigError, match=r"units of Odd cannot be taken out.*granularity=weights"):
        remove_units(Odd(), torch.randn(2, 4), 0.5)


def test_without_the_library_the_sentence_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr("fairkd.models.pruning.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'fairkd\[compression\]'"):
        remove_units(_mlp(), torch.randn(2, 7), 0.5)


def test_a_model_without_hidden_units_is_refused():
    with pytest.raises(ConfigError, match="Linear has no units between its layers to take out"):
        remove_units(nn.Linear(7, 3), torch.randn(2, 7), 0.5)


class _Normed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(7, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 12), nn.LayerNorm(12)
        )
        self.head = nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


class _Depthwise(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.Conv2d(8, 8, 3, padding=1, groups=8),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 12, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.head = nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


@pytest.mark.parametrize(("make", "shape"), [(_Normed, FLAT), (_Depthwise, IMAGE)])
def test_models_of_ones_own_come_back_from_their_state(make, shape):
    whole = make()
    whole(torch.randn(8, *shape))  # running means
    model = copy.deepcopy(whole)
    x = torch.randn(4, *shape)
    remove_units(model, x, 0.5)
    assert sum(p.numel() for p in model.parameters()) < sum(p.numel() for p in whole.parameters())
    check_restorable(whole, model, x)
    assert torch.equal(shaped_like(whole, model.state_dict()).eval()(x), model.eval()(x))


def test_a_layer_that_would_not_come_back_is_refused():
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.head = nn.Linear(7, 8), nn.Linear(8, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.inner(x)) / self.inner.out_features**0.5 / len(vars(self))

    whole, other = Scaled(), Scaled()
    other.extra = 1  # it computes with what no state holds
    with pytest.raises(ConfigError, match="Scaled has layers whose units cannot be taken out"):
        check_restorable(whole, other, torch.randn(2, 7))
