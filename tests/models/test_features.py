import pytest
import torch
from torch import Tensor, nn

from fairkd.errors import ConfigError
from fairkd.models.features import ModelOutputs, feature_names, run
from fairkd.models.mlp import MLP


def _hooks(model: nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in model.modules())


def _mlp() -> MLP:
    return MLP(4, 3, hidden=(5, 6)).double()


X = torch.randn(7, 4, generator=torch.Generator().manual_seed(0)).double()


def test_outputs_are_those_of_the_model_and_its_layers():
    model = _mlp()
    found = run(model, X, ("hidden1", "hidden2"))
    first = X.matmul(model.get_parameter("hidden1.0.weight").T) + model.get_parameter(
        "hidden1.0.bias"
    )
    torch.testing.assert_close(found.features["hidden1"], first.clamp(min=0))
    assert found.features["hidden2"].shape == (7, 6)
    torch.testing.assert_close(model.head(found.features["hidden2"]), found.logits)
    assert torch.equal(found.logits, model(X))
    assert torch.equal(run(model, X).logits, model(X))
    assert run(model, X).features == {}


def test_any_module_by_its_path_may_be_recorded():
    assert run(_mlp(), X, ("hidden1.0",)).features["hidden1.0"].min() < 0  # before the activation


def test_gradient_flows_through_a_recorded_feature():
    model = _mlp()
    run(model, X, ("hidden1",)).features["hidden1"].sum().backward()
    assert model.get_parameter("hidden1.0.weight").grad is not None
    assert model.get_parameter("head.weight").grad is None


def test_no_hook_is_left_behind():
    model = _mlp()
    run(model, X, ("hidden1", "hidden2"))
    assert _hooks(model) == 0


def test_no_hook_is_left_behind_by_an_exception():
    model = _mlp()
    with pytest.raises(RuntimeError):
        run(model, X[:, :2], ("hidden1",))
    assert _hooks(model) == 0
    with pytest.raises(ConfigError):
        run(model, X, ("hidden1", "hidden9"))
    assert _hooks(model) == 0


def test_an_unknown_layer_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError) as refused:
        run(_mlp(), X, ("hiden2",))
    assert str(refused.value) == (
        "Unknown layer of MLP 'hiden2'; did you mean 'hidden2'? Accepted: hidden1, hidden2."
    )
    with pytest.raises(ConfigError, match=r"^Unknown layer of MLP ''"):
        run(_mlp(), X, ("",))


def test_a_model_that_declares_no_names_offers_every_module():
    model = nn.Sequential(nn.Linear(4, 3), nn.Sequential(nn.ReLU()))
    assert feature_names(model) == ("0", "1", "1.0")
    with pytest.raises(ConfigError) as refused:
        run(model, X.float(), ("2",))
    assert str(refused.value) == "Unknown layer of Sequential '2'. Accepted: 0, 1, 1.0."


def test_rows_of_outputs():
    outputs = run(_mlp(), X, ("hidden1",))
    rows = torch.tensor([3, 0, 3])
    chosen = outputs.rows(rows)
    assert torch.equal(chosen.logits, outputs.logits[rows])
    assert torch.equal(chosen.features["hidden1"], outputs.features["hidden1"][rows])


def test_outputs_move_with_their_features():
    moved = ModelOutputs(X, {"f": X}).to(torch.device("meta"))
    tensors: list[Tensor] = [moved.logits, *moved.features.values()]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
