import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from fairkd.errors import ConfigError
from fairkd.models.mlp import MLP
from fairkd.models.weights import load_weights


@pytest.fixture
def trained() -> MLP:
    return MLP(4, 2, (6,))


def _same(one: nn.Module, other: nn.Module) -> bool:
    ours, theirs = one.state_dict(), other.state_dict()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize(
    "form", ["safetensors", "state", "lightning", "parallel", "compiled", "under model"]
)
def test_weights_come_from_every_usual_file(trained, tmp_path, form):
    state = trained.state_dict()
    path = tmp_path / "weights.pt"
    if form == "safetensors":
        path = tmp_path / "weights.safetensors"
        save_file(state, path)
    elif form == "state":
        torch.save(state, path)
    elif form == "lightning":
        behind = {f"model.{name}": value for name, value in state.items()}
        beside = {"objective.label_weight": torch.tensor(1.0)}
        torch.save({"state_dict": {**behind, **beside}, "epoch": 3, "lr_schedulers": []}, path)
    elif form == "under model":
        torch.save({"model": state, "epoch": 3}, path)
    else:
        prefix = {"parallel": "module.", "compiled": "_orig_mod."}[form]
        torch.save({f"{prefix}{name}": value for name, value in state.items()}, path)
    model = MLP(4, 2, (6,))
    assert not _same(model, trained)
    load_weights(model, path)
    assert _same(model, trained)


def test_names_that_begin_like_a_wrapper_are_names(tmp_path):
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = nn.Linear(2, 2)

    net, again = Net(), Net()
    torch.save(net.state_dict(), tmp_path / "net.pt")
    load_weights(again, tmp_path / "net.pt")
    assert _same(net, again)


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (MLP(4, 2, (6, 6)), r"has no weights for hidden2\.0\.weight, hidden2\.0\.bias of MLP"),
        (MLP(4, 2, (7,)), r"hidden1\.0\.weight of shape \[6, 4\], and that of MLP is \[7, 4\]"),
        (nn.Sequential(), r"has weights for .*, which Sequential does not have"),
    ],
)
def test_weights_of_another_model_are_refused(trained, tmp_path, model, sentence):
    save_file(trained.state_dict(), tmp_path / "a.safetensors")
    with pytest.raises(ConfigError, match=sentence):
        load_weights(model, tmp_path / "a.safetensors")


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt"])
@pytest.mark.parametrize("content", [b"", b"not weights at all"])
def test_what_is_no_file_of_weights_is_refused(trained, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=r"cannot be read as weights"):
        load_weights(trained, tmp_path / name)


def test_a_file_that_is_not_there_is_refused(trained, tmp_path):
    with pytest.raises(ConfigError, match="is no file"):
        load_weights(trained, tmp_path / "none.pt")


def test_a_file_without_tensors_is_refused(trained, tmp_path):
    torch.save({"epoch": 3}, tmp_path / "a.pt")
    with pytest.raises(ConfigError, match="holds no dense tensors by name"):
        load_weights(trained, tmp_path / "a.pt")


class _Touches:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return (Path.touch, (self.path,))


def test_nothing_in_a_file_is_run(trained, tmp_path):
    torch.save({"state_dict": _Touches(tmp_path / "run")}, tmp_path / "a.pt")
    (tmp_path / "b.pt").write_bytes(pickle.dumps(_Touches(tmp_path / "run"), protocol=2))
    for name in ("a.pt", "b.pt"):
        with pytest.raises(ConfigError, match="cannot be read as weights"):
            load_weights(trained, tmp_path / name)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda w: w.long(), "hidden1.0.weight as torch.int64, and that of MLP is torch.float32"),
        (lambda w: w / 0, "values in hidden1.0.weight that are no finite numbers"),
        (lambda w: w.to_sparse(), "holds no dense tensors by name"),
    ],
)
def test_weights_that_are_no_weights_are_refused(trained, tmp_path, change, sentence):
    state = trained.state_dict()
    state["hidden1.0.weight"] = change(state["hidden1.0.weight"])
    torch.save(state, tmp_path / "a.pt")
    with pytest.raises(ConfigError, match=sentence):
        load_weights(trained, tmp_path / "a.pt")


def test_names_that_are_no_names_are_refused(trained, tmp_path):
    torch.save({1: torch.zeros(2)}, tmp_path / "a.pt")
    with pytest.raises(ConfigError, match="holds no dense tensors by name"):
        load_weights(trained, tmp_path / "a.pt")
