import importlib
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fairkd.data import catalogue
from fairkd.data.catalogue import entries, fetch
from fairkd.data.catalogue_entries import DEBIAN_FASHION_MNIST, ENTRIES
from fairkd.data.dataset import Dataset
from fairkd.data.entry import Entry
from fairkd.errors import DataError


def named(name: str, cache: Path) -> Entry:
    return next(entry for entry in entries(cache) if entry.name == name)


# What one loader of several sets is told by the configuration.
SOURCES = {
    name: {"name": name, "source": source}
    for name, source in (("tinted_digits", "digits"), ("tinted_mnist", "mnist"))
}


FETCHED = ("adult", "compas", "credit_default", "crime", "german", "heritage", "law_school")


def load(entry: Entry) -> Dataset:
    module, function = entry.loader.rsplit(".", 1)
    load = getattr(importlib.import_module(module), function)
    given = SOURCES.get(entry.name, {})
    data = load(groups=list(entry.groups), seed=0, **given)
    assert isinstance(data, Dataset)
    return data


@pytest.mark.parametrize(
    "name",
    [
        "iris",
        "arrests",
        *(pytest.param(name, marks=pytest.mark.data) for name in FETCHED),
    ],
)
def test_entries_say_what_the_data_is(name: str, tmp_path: Path) -> None:
    entry = named(name, tmp_path)
    data = load(entry)
    assert data.name == entry.name
    assert data.classes == entry.classes
    assert data.blocks.names == entry.groups
    assert sum(len(frame) for frame in data.raw.values()) == entry.rows
    assert data.raw["train"].shape[1] == entry.columns
    assert entry.label in data.raw["train"]


def test_what_needs_a_download(tmp_path: Path) -> None:
    assert {entry.name: (entry.needs_download, entry.cached) for entry in entries(tmp_path)} == {
        "acs": (True, False),
        "adult": (True, False),
        "arrests": (False, True),
        "compas": (True, False),
        "credit_default": (True, False),
        "crime": (True, False),
        "german": (True, False),
        "heritage": (True, False),
        "iris": (False, True),
        "law_school": (True, False),
        "tinted_digits": (False, True),
        "tinted_fashion": (False, DEBIAN_FASHION_MNIST.is_dir()),
        "tinted_mnist": (True, False),
    }


def test_the_size_of_a_download(tmp_path: Path) -> None:
    sizes = {entry.name: entry.size for entry in entries(tmp_path)}
    assert [sizes[name] for name in ("adult", "heritage", "iris", "acs")] == [
        28_201_238, 38_041_973, 0, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["tinted_digits", pytest.param("tinted_mnist", marks=pytest.mark.data)]
)
def test_entries_of_images_say_what_the_data_is(name: str, tmp_path: Path) -> None:
    entry = named(name, tmp_path)
    data = load(entry)
    assert (data.name, data.classes) == (entry.name, entry.classes)
    assert data.blocks.names == entry.groups
    assert sum(split.size for split in data.splits.values()) == entry.rows
    assert math.prod(data.shape[1:]) + 1 == entry.columns


def test_what_nobody_can_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "nothing"
    changed = tuple(replace(entry, folder=missing) if entry.folder else entry for entry in ENTRIES)
    monkeypatch.setattr(catalogue, "ENTRIES", changed)
    assert not named("tinted_fashion", tmp_path).cached
    with pytest.raises(DataError) as refused:
        fetch("tinted_fashion", tmp_path)
    assert str(refused.value) == (
        "tinted_fashion cannot be downloaded: name the folder of its files in data.path, or put "
        f"them into {missing}."
    )


def test_nothing_to_fetch(tmp_path: Path) -> None:
    assert fetch("iris", tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_name_gets_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="data set 'adlut'; did you mean 'adult'"):
        fetch("adlut", tmp_path)


@pytest.mark.usefixtures("offline")
def test_fetching_without_network(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="data=adult is not available"):
        fetch("adult", tmp_path)


@pytest.mark.data
def test_fetching(tmp_path: Path) -> None:
    folder = fetch("adult", tmp_path)
    assert folder == tmp_path / "adult"
    assert named("adult", tmp_path).cached


def test_listing_loads_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from fairkd.data.catalogue import entries\n"
        "entries()\n"
        "print(sorted({'torch', 'pandas', 'sklearn', 'numpy'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
