import importlib.util
import sys

import pytest
import torch
from torch import Tensor

from fairkd.data.torchvision_augmentation import TorchvisionTransform
from fairkd.errors import ConfigError


def _importable() -> bool:
    try:
        import torchvision  # noqa: F401
    except (ImportError, OSError, RuntimeError):
        return False
    return True


with_torchvision = pytest.mark.skipif(
    not _importable(), reason="torchvision is not installed, or belongs to another torch"
)


def _images(rows: int = 40) -> Tensor:
    return torch.rand(rows, 3, 6, 8, generator=torch.Generator().manual_seed(9))


def _drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@with_torchvision
def test_every_image_is_changed_by_itself_and_the_same_generator_gives_the_same() -> None:
    from torchvision.transforms import v2

    x = _images(200)
    change = TorchvisionTransform(v2.RandomHorizontalFlip(0.5))
    one, again, other = change(x, _drawn()), change(x, _drawn()), change(x, _drawn(1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    mirrored = torch.tensor([torch.equal(f, i.flip(-1)) for f, i in zip(one, x, strict=True)])
    kept = torch.tensor([torch.equal(f, i) for f, i in zip(one, x, strict=True)])
    assert bool((mirrored ^ kept).all())
    assert 60 < int(mirrored.sum()) < 140


@with_torchvision
def test_the_global_generator_neither_decides_nor_changes() -> None:
    from torchvision.transforms import v2

    change = TorchvisionTransform(
        v2.Compose([v2.RandomRotation(20), v2.ColorJitter(0.5), v2.GaussianNoise(0.0, 0.1)])
    )
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = change(_images(), _drawn())
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(change(_images(), _drawn()), first)


@with_torchvision
def test_successive_calls_draw_anew() -> None:
    from torchvision.transforms import v2

    change, generator = TorchvisionTransform(v2.GaussianNoise(0.0, 0.1)), _drawn()
    assert not torch.equal(change(_images(), generator), change(_images(), generator))


@with_torchvision
def test_what_cannot_be_is_refused() -> None:
    from torchvision.transforms import v2

    with pytest.raises(ConfigError) as refused:
        TorchvisionTransform(torch.nn.Identity())
    assert str(refused.value) == (
        "transform=torch.nn.modules.linear.Identity is no transform of torchvision.transforms.v2; "
        "accepted: one of those, Compose included."
    )
    with pytest.raises(ConfigError) as refused:
        TorchvisionTransform(v2.Resize(3))(_images(), _drawn())
    assert str(refused.value) == (
        "Resize makes torch.float32 of shape [3, 3, 4] out of an image of torch.float32 and shape "
        "[3, 6, 8]; an augmentation keeps both."
    )
    with pytest.raises(ConfigError, match="takes images, rows of shape"):
        TorchvisionTransform(v2.RandomHorizontalFlip())(torch.zeros(2, 7), _drawn())


def test_a_missing_torchvision_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Absent(), *sys.meta_path])
    with pytest.raises(ConfigError) as refused:
        TorchvisionTransform(torch.nn.Identity())
    assert str(refused.value) == (
        "Transforms of torchvision need torchvision, which is not installed; pip install "
        "'fairkd[images]', or choose another augmentation (shift, flip, noise)."
    )


def test_a_torchvision_of_another_torch_says_which_one_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Broken(), *sys.meta_path])
    with pytest.raises(ConfigError) as refused:
        TorchvisionTransform(torch.nn.Identity())
    assert str(refused.value) == (
        "torchvision is installed and cannot be imported (operator torchvision::nms does not "
        f"exist); install the build that belongs to torch {torch.__version__}, from the same index "
        "as torch."
    )


class _Absent:
    """A finder that knows that torchvision is nowhere."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] == "torchvision":
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)


class _Broken:
    """A finder of a torchvision that fails as one of another build does."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        if name == "torchvision":
            return importlib.util.spec_from_loader(name, self)  # type: ignore[arg-type]
        return None

    def create_module(self, spec: object) -> None:
        return None

    def exec_module(self, module: object) -> None:
        raise RuntimeError("operator torchvision::nms does not exist\nmore")
