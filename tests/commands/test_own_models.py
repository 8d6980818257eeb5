"""A class of the user's own as a model: what is wrong with it is a sentence before training."""

import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor, nn

from fairkd.commands.building.models import builder
from fairkd.data.arrests import load_arrests
from fairkd.data.dataset import Dataset
from fairkd.errors import ConfigError
from fairkd.models.mlp import MLP
from fairkd.training.distil import Distillation, connected
from fairkd.training.objective import Objective


class Net(nn.Module):
    def __init__(self, in_features: int, n_classes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(in_features, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class NoModule:
    def __init__(self, in_features: int, n_classes: int) -> None:
        pass


class OtherNames(Net):
    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__(n_features, n_classes)


class NoArguments(nn.Module):
    pass


class Raises(Net):
    def __init__(self, in_features: int, n_classes: int) -> None:
        raise RuntimeError("no such device")


class Tupled(Net):
    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        return super().forward(x), None


class OneLogit(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[:, :1]


class Breaks(Net):
    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x[:, :1])


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_arrests(seed=0)


@pytest.fixture(autouse=True)
def _own_package(monkeypatch: pytest.MonkeyPatch) -> None:
    package = types.ModuleType("own_package")
    for kind in (Net, NoModule, OtherNames, NoArguments, Raises, Tupled, OneLogit, Breaks):
        setattr(package, kind.__name__, kind)
    monkeypatch.setitem(sys.modules, "own_package", package)


def _built(name: str, dataset: Dataset) -> nn.Module:
    return builder("student", OmegaConf.create({"_target_": f"own_package.{name}"}), dataset)()


def test_a_module_of_ones_own_is_built_for_the_data(dataset):
    model = _built("Net", dataset)
    assert model(dataset.splits["test"].x).shape == (dataset.splits["test"].size, 2)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "NoModule",
            "student (own_package.NoModule) makes a NoModule; accepted: a class, or a function, "
            "that makes a torch.nn.Module from in_features (or in_shape) and n_classes.",
        ),
        (
            "OtherNames",
            "student (own_package.OtherNames) takes no in_features; accepted: a class, or a "
            "function, that makes a torch.nn.Module from in_features (or in_shape) and n_classes.",
        ),
        ("NoArguments", "student (own_package.NoArguments) cannot be built: "),
        ("Raises", "student (own_package.Raises) cannot be built: no such device."),
        ("Nowhere", "student (own_package.Nowhere) cannot be built: Error loading "),
    ],
)
def test_what_cannot_be_built_is_refused(name, sentence, dataset, capsys):
    with pytest.raises(ConfigError) as refused:
        _built(name, dataset)
    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value)
    assert not capsys.readouterr().err


@pytest.mark.parametrize("role", ["student", "teacher"])
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Tupled", r"Tupled gives a tuple; accepted: logits, one tensor of shape \[rows, classes"),
        ("OneLogit", r"The {role} gives logits of shape \[2, 1\] for 2 rows; accepted: \[2, 2\]"),
        ("Breaks", r"The {role} \(Breaks\) cannot be run on rows of shape \[7\] \(RuntimeError: "),
    ],
)
def test_what_gives_no_logits_is_refused(role, name, sentence, dataset):
    pair = {"student": MLP(7, 2, (4,)), "teacher": MLP(7, 2, (4,))} | {role: _built(name, dataset)}
    nothing = Distillation(lambda start: Objective())
    with torch.random.fork_rng(), pytest.raises(ConfigError, match=sentence.format(role=role)):
        connected(pair["student"], 0, nothing, pair["teacher"], dataset)


@pytest.mark.slow
def test_the_command_finds_a_package_of_the_working_folder(tmp_path: Path):
    package = tmp_path / "mypackage"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from torch import nn\n\n\ndef net(in_features, n_classes):\n"
        "    return nn.Linear(in_features, n_classes)\n"
    )
    command = Path(sys.executable).with_name("fairkd")
    words = ("experiment=debug", "student=own", "student._target_=mypackage.net", "dry_run=true")
    done = subprocess.run([command, *words], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "student: would be trained" in done.stdout
