"""``fairkd store``, from the command line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fairkd.commands.store import USAGE
from fairkd.store import Content, Store

LOADED = """
import sys
from fairkd.commands.dispatch import dispatch
code = dispatch(sys.argv[1:])
heavy = ("torch", "pytorch_lightning", "mlflow", "pandas", "sklearn", "numpy", "hydra")
print([name for name in heavy if name in sys.modules], file=sys.stderr)
sys.exit(code)
"""

Fairkd = Callable[..., Any]


@pytest.fixture
def kept(workplace: Path) -> Store:
    """Two teachers and a job, in the folder that commands look in."""
    store = Store(workplace / "store")
    for number, (kind, key, about) in enumerate(
        [
            ("teacher", "aa", {"model": "MLP", "seconds": 16.27123, "steps": 1920}),
            ("teacher", "bb", {"model": "Linear", "layers": ["h1", "h2"]}),
            ("job", "cc", {"name": "adult·T4"}),
        ]
    ):
        entry = store.put(kind, key, Content(files={"x.bin": bytes(10_000)}, about=about))
        os.utime(entry.path / "entry.json", (1000 + number, 1000 + number))
    return store


def test_alone_and_unknown_words_are_wrong_usage(fairkd: Fairkd) -> None:
    assert fairkd("store") == (2, "", USAGE)
    for words in (
        ["nope"],
        ["list", "--limit", "5GB"],
        ["verify", "--json"],
        ["gc", "--limit"],
        ["gc", "--limit", "5x"],
        ["gc", "--nope"],
        ["list", "more"],
    ):
        ended = fairkd("store", *words)
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.endswith(USAGE)
        assert len(ended.err.removesuffix(USAGE).strip().splitlines()) == 1
    assert "did you mean 'list'?" in fairkd("store", "lisst").err


@pytest.mark.parametrize("words", [["--help"], ["gc", "-h"]])
def test_help(fairkd: Fairkd, words: list[str]) -> None:
    assert fairkd("store", *words) == (0, USAGE, "")


def test_the_whole_help_names_it(fairkd: Fairkd) -> None:
    assert "fairkd store list" in fairkd("--help").out


def test_list_counts_kinds(fairkd: Fairkd, kept: Store) -> None:
    ended = fairkd("store", "list")
    lines = [line.split() for line in ended.out.splitlines()]
    assert (ended.code, ended.err) == (0, "")
    assert ["job", "1"] in [line[:2] for line in lines]
    assert ["teacher", "2"] in [line[:2] for line in lines]
    assert f"{kept.root}: 3 entries, " in ended.out


def test_list_of_a_kind_says_what_entries_are(fairkd: Fairkd, kept: Store) -> None:
    ended = fairkd("store", "list", "--kind", "teacher")
    assert "model MLP, seconds 16.27, steps 1920" in ended.out
    assert "model Linear, layers h1+h2" in ended.out
    assert ended.out.index("bb") < ended.out.index("aa")  # the last used first
    assert "adult" not in ended.out
    assert "adult·T4" in fairkd("store", "list", "--kind", "job").out
    (kept.root / "job" / "cc" / "entry.json").write_text("{")
    assert "damaged: entry.json is not a" in fairkd("store", "list", "--kind", "job").out


def test_list_for_machines(fairkd: Fairkd, kept: Store) -> None:
    kinds = json.loads(fairkd("store", "list", "--json").out)
    assert kinds["store"] == str(kept.root)
    assert [(kind["kind"], kind["entries"]) for kind in kinds["kinds"]] == [
        ("job", 1),
        ("teacher", 2),
    ]
    entries = json.loads(fairkd("store", "list", "--kind", "teacher", "--json").out)["entries"]
    assert [entry["key"] for entry in entries] == ["bb", "aa"]
    assert entries[1]["about"] == {"model": "MLP", "seconds": 16.27123, "steps": 1920}
    assert entries[1]["used"] == "1970-01-01T00:16:40+00:00"
    folder = kept.root / "teacher" / "aa"
    assert entries[1]["bytes"] == sum(path.stat().st_size for path in folder.iterdir())


def test_an_unknown_kind_and_no_store_are_sentences(fairkd: Fairkd, kept: Store) -> None:
    ended = fairkd("store", "list", "--kind", "teachers")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        "Unknown kind of entry 'teachers'; did you mean 'teacher'? Accepted: job, teacher.\n"
    )
    ended = fairkd("store", "verify", "--store", "absent")
    assert ended.code == 1
    assert ended.err.startswith("There is no store at ")


def test_an_empty_store(fairkd: Fairkd, workplace: Path) -> None:
    (workplace / "store").mkdir()
    assert fairkd("store", "list").out == f"The store at {workplace / 'store'} is empty.\n"
    assert fairkd("store", "verify").code == 0
    assert fairkd("store", "gc", "--limit", "0").code == 0


def test_verify_lists_what_is_damaged(fairkd: Fairkd, kept: Store) -> None:
    ended = fairkd("store", "verify")
    assert (ended.code, ended.err) == (0, "")
    assert ", 0 damaged." in ended.out
    (kept.root / "teacher" / "aa" / "x.bin").write_bytes(b"changed")
    ended = fairkd("store", "verify")
    assert ended.code == 1
    assert ended.out.startswith("teacher aa is damaged: x.bin does not match its checksum.\n")
    assert ", 1 damaged." in ended.out
    assert (kept.root / "teacher" / "aa" / "x.bin").exists()


def test_gc_says_what_it_would_do_and_does_it(fairkd: Fairkd, kept: Store) -> None:
    (kept.root / "job" / "cc" / "x.bin").write_bytes(b"changed")
    planned = fairkd("store", "gc", "--limit", "12kB", "--dry-run")
    assert planned.code == 0
    assert len(list(kept.root.glob("*/*/entry.json"))) == 3
    done = fairkd("store", "gc", "--limit", "12kB")
    assert (done.code, done.err) == (0, "")
    assert [path.parent.name for path in kept.root.glob("*/*/entry.json")] == ["bb"]
    assert done.out.splitlines()[:2] == planned.out.splitlines()[:2]
    assert done.out.splitlines()[0].endswith("x.bin does not match its checksum")
    assert done.out.splitlines()[1].startswith("teacher aa ")
    assert "Would remove 2 entries (" in planned.out
    assert "Removed 2 entries (" in done.out
    assert f"left in {kept.root}: 1 entry (" in done.out


def test_the_folder_is_the_option_then_the_environment_then_here(
    fairkd: Fairkd, kept: Store, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("option", "environment"):
        Store(workplace / name).put(name, "k", Content(record={}))
    monkeypatch.setenv("FAIRKD_STORE", "environment")
    assert json.loads(fairkd("store", "list", "--json").out)["store"] == str(
        workplace / "environment"
    )
    for words in (["--store", "option", "list"], ["list", "--store", "option"]):
        assert json.loads(fairkd("store", *words, "--json").out)["store"] == str(
            workplace / "option"
        )
    monkeypatch.delenv("FAIRKD_STORE")
    assert json.loads(fairkd("store", "list", "--json").out)["store"] == str(kept.root)


@pytest.mark.parametrize("words", ["list", "list --kind teacher", "verify", "gc --limit 1GB"])
def test_nothing_heavy_is_loaded(kept: Store, words: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LOADED, "store", *words.split()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "[]\n")
