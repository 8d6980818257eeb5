import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from fairkd.data.catalogue import Entry, entries, fetch
from fairkd.data.dataset import Dataset
from fairkd.errors import DataError


def named(name: str, cache: Path) -> Entry:
    return next(entry for entry in entries(cache) if entry.name == name)


def load(entry: Entry) -> Dataset:
    module, function = entry.loader.rsplit(".", 1)
    data = getattr(importlib.import_module(module), function)(groups=list(entry.groups), seed=0)
    assert isinstance(data, Dataset)
    return data


@pytest.mark.parametrize("name", ["iris", "arrests", pytest.param("adult", marks=pytest.mark.data)])
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
        "adult": (True, False),
        "arrests": (False, True),
        "iris": (False, True),
    }


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
