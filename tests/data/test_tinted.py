import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from fairkd.data.pixels import fashion_mnist, mnist
from fairkd.data.tinted import COLOURS, load_tinted, tinted, tints
from fairkd.errors import ConfigError, DataError


def _digits(**given):
    return load_tinted(**{"source": "digits", "seed": 0, "groups": ("agreement", "tint"), **given})


@pytest.mark.parametrize("bias", [0.1, 0.9, 0.99, 1.0])
def test_so_many_rows_have_their_classs_colour(bias):
    labels = np.repeat(np.arange(10), 2000)
    colours = tints(labels, bias, np.random.default_rng(0))
    agreeing = (colours == labels).mean()
    assert agreeing == pytest.approx(bias, abs=4 * np.sqrt(bias * (1 - bias) / 20000) + 1e-12)
    # The others are spread over the nine other colours alike.
    others = np.bincount((colours - labels) % 10, minlength=10)[1:]
    if bias < 1:
        expected = (1 - bias) * 20000 / 9
        assert np.abs(others - expected).max() < 5 * np.sqrt(expected)


def test_a_tint_is_the_light_times_the_colour():
    images = np.array([[[0.0, 0.5], [1.0, 0.25]]], dtype=np.float32)
    found = tinted(images, np.array([1]), np.ones((1, 3), dtype=np.float32))
    assert found.shape == (1, 3, 2, 2)
    for channel, share in enumerate(list(COLOURS.values())[1]):
        np.testing.assert_allclose(found[0, channel], images[0] * share, rtol=1e-6)


def test_factors_are_of_each_colour_and_stay_within_light_and_dark():
    images = np.ones((1, 1, 1), dtype=np.float32)
    factors = np.array([[2.0, 0.5, -1.0]], dtype=np.float32)
    found = tinted(images, np.array([1]), factors).ravel()  # green is 0.1, 0.8, 0.1
    np.testing.assert_allclose(found, [0.2, 0.4, 0.0], rtol=1e-6)


def test_jitter_varies_the_colours_of_a_tint_and_nothing_else():
    plain, varied = (_digits(jitter=jitter) for jitter in (0.0, 0.3))
    for split in plain.splits:
        assert torch.equal(plain.splits[split].group, varied.splits[split].group)
        assert torch.equal(plain.splits[split].y, varied.splits[split].y)
    train = varied.splits["train"]
    brightest = train.x.flatten(2).amax(-1)
    tint = train.group[:, 2:].argmax(1)
    spread = torch.stack([brightest[tint == number].std(0) for number in range(10)])
    assert float(spread.mean()) > 0.1
    same = plain.splits["train"].x.flatten(2).amax(-1)
    unvaried = torch.stack([same[tint == number].std(0) for number in range(10)])
    assert float(unvaried.mean()) < 0.02


def test_splits_groups_and_pixels_belong_together():
    data = _digits(bias=0.9)
    assert data.shape == (3, 8, 8)
    assert data.blocks.names == ("agreement", "tint")
    source = load_digits()
    total = sum(split.size for split in data.splits.values())
    assert total == len(source.target)
    for name, split in data.splits.items():
        agreement, tint = split.group[:, :2], split.group[:, 2:]
        assert torch.equal(agreement.sum(1), torch.ones(split.size))
        assert torch.equal(agreement[:, 0] == 1, tint.argmax(1) == split.y)
        share = float(agreement[:, 0].mean())
        assert share == pytest.approx(0.1 if name == "test" else 0.9, abs=0.05)
        # The brightest channel gives back the grey image, which is one of the source's.
        colours = torch.tensor(list(COLOURS.values()))[tint.argmax(1)]
        grey = split.x[0].amax(0) / colours[0].max()
        known = torch.tensor(source.images[source.target == int(split.y[0])]).float() / 16
        assert (known - grey).abs().amax((1, 2)).min() < 1e-5


def test_the_seed_decides_split_and_tints_and_the_bias_no_split():
    first, again, other = _digits(), _digits(), _digits(seed=1)
    assert all(
        torch.equal(a, b) for a, b in zip(first.splits["train"], again.splits["train"], strict=True)
    )
    assert not torch.equal(first.splits["train"].y, other.splits["train"].y)
    biased = _digits(bias=0.5)
    assert torch.equal(first.splits["test"].x, biased.splits["test"].x)
    assert torch.equal(first.splits["train"].y, biased.splits["train"].y)
    assert first.fingerprint == biased.fingerprint


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"bias": 0.05}, "data.bias=0.05 is out of range; accepted: a number from 0.1 to 1."),
        (
            {"groups": ("sex",)},
            "Unknown group block in data.groups 'sex'. Accepted: agreement, tint.",
        ),
        (
            {"source": "svhn"},
            "data.source=svhn is not known; accepted: mnist, digits, fashion_mnist.",
        ),
    ],
)
def test_what_cannot_work_is_refused(given, sentence):
    with pytest.raises(ConfigError) as refused:
        _digits(**given)
    assert str(refused.value) == sentence


def _idx(path: Path, values: np.ndarray, magic: int, packed: bool) -> None:
    content = struct.pack(f">{values.ndim + 1}I", magic, *values.shape) + values.tobytes()
    path.write_bytes(gzip.compress(content) if packed else content)


@pytest.mark.parametrize("packed", [True, False])
def test_idx_files_are_read_as_they_are(tmp_path, packed):
    g = np.random.default_rng(0)
    parts = {"train": 60, "t10k": 20}
    written = {}
    ending = "-ubyte.gz" if packed else "-ubyte"
    for part, rows in parts.items():
        images = g.integers(0, 256, (rows, 28, 28), dtype=np.uint8)
        labels = np.arange(rows, dtype=np.uint8) % 10
        _idx(tmp_path / f"{part}-images-idx3{ending}", images, 2051, packed)
        _idx(tmp_path / f"{part}-labels-idx1{ending}", labels, 2049, packed)
        written[part] = (images, labels)
    found = fashion_mnist(tmp_path)
    assert found.images.shape == (80, 28, 28)
    np.testing.assert_array_equal((found.images[60:] * 255).round(), written["t10k"][0])
    np.testing.assert_array_equal(found.labels[:60], written["train"][1])
    assert found.official_test is not None
    assert found.official_test.sum() == 20
    data = load_tinted(
        source="fashion_mnist", path=str(tmp_path), seed=0, test_fraction=None, bias=0.5
    )
    assert data.splits["test"].size == 20
    assert data.splits["train"].size + data.splits["validation"].size == 60


def test_missing_and_damaged_files_get_a_sentence(tmp_path):
    with pytest.raises(DataError) as refused:
        fashion_mnist(tmp_path)
    assert str(refused.value) == (
        f"data=tinted_fashion needs Fashion-MNIST's IDX files; {tmp_path} has no "
        "train-images-idx3-ubyte.gz. Name their folder in data.path, or install Debian's package "
        "dataset-fashion-mnist."
    )
    for kind in ("images-idx3", "labels-idx1"):
        (tmp_path / f"train-{kind}-ubyte.gz").write_bytes(b"nothing")
    with pytest.raises(DataError, match="is no IDX file of this kind: "):
        fashion_mnist(tmp_path)
    labels = np.zeros(3, dtype=np.uint8)
    for kind in ("images-idx3", "labels-idx1"):
        (tmp_path / f"train-{kind}-ubyte.gz").unlink()
        _idx(tmp_path / f"train-{kind}-ubyte", labels, 2049, packed=False)
    with pytest.raises(DataError, match=r"it begins with 2049|unpack|buffer"):
        fashion_mnist(tmp_path)


@pytest.mark.data
def test_mnist_is_five_hundred_of_each_digit():
    found = mnist(None)
    assert found.images.shape == (5000, 28, 28)
    assert np.bincount(found.labels).tolist() == [500] * 10
    assert found.images.min() == 0
    assert found.images.max() == 1
