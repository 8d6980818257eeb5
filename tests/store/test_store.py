import json
import logging
import math
import os
import threading
import time
from pathlib import Path

import pytest
import torch

import fairkd
from fairkd.errors import StoreError
from fairkd.store import Content, Store
from fairkd.store.entry import last_used

TENSORS = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.tensor([1.5, math.nan])}
CONTENT = Content(TENSORS, {"loss": math.nan, "n": 3}, {"prep.skops": b"abc"}, {"data": "adult"})
FILES = ["entry.json", "prep.skops", "record.json", "tensors.safetensors"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_what_was_put_comes_back(store: Store) -> None:
    put = store.put("teacher", "k1", CONTENT)
    entry = Store(store.root).get("teacher", "k1")
    assert entry == put
    assert entry is not None
    tensors = entry.tensors()
    assert torch.equal(tensors["weight"], TENSORS["weight"])
    assert torch.equal(tensors["bias"].view(torch.int32), TENSORS["bias"].view(torch.int32))
    assert math.isnan(entry.record["loss"])
    assert entry.record["n"] == 3
    assert entry.file("prep.skops").read_bytes() == b"abc"
    assert entry.about == {"data": "adult"}
    assert entry.version == fairkd.__version__
    assert sorted(path.name for path in entry.path.iterdir()) == FILES
    assert entry.size == sum((entry.path / name).stat().st_size for name in FILES[1:])
    assert list((store.root / "tmp").iterdir()) == []


def test_tensors_that_share_memory_or_have_gradients_are_kept(store: Store) -> None:
    stack = torch.nn.Parameter(torch.arange(12.0).reshape(3, 4))
    kept = {"first": stack[0], "second": stack[1], "columns": stack.t(), "all": stack}
    tensors = store.put("stack", "k", Content(kept)).tensors()
    assert all(torch.equal(tensors[name], kept[name]) for name in kept)
    assert not any(tensor.requires_grad for tensor in tensors.values())


def test_files_are_copied_from_paths(store: Store, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"1")
    entry = store.put("a", "k", Content(files={"y.bin": tmp_path / "x"}))
    assert entry.file("y.bin").read_bytes() == b"1"


def test_an_absent_entry_is_none_and_looking_creates_nothing(store: Store) -> None:
    assert store.get("teacher", "absent") is None
    assert list(store.entries()) == []
    assert not store.root.exists()


def test_asking_for_what_an_entry_lacks(store: Store) -> None:
    entry = store.put("teacher", "k", Content(record={}))
    with pytest.raises(StoreError, match=r"keeps no tensors\.safetensors; it keeps record\.json"):
        entry.tensors()
    with pytest.raises(StoreError, match=r"keeps no entry\.json"):
        entry.file("entry.json")


def test_make_runs_once(store: Store) -> None:
    calls: list[int] = []

    def make() -> Content:
        calls.append(1)
        return Content(record={"call": len(calls)})

    assert store.get_or_make("a", "k", make)[1] is True
    entry, made = store.get_or_make("a", "k", make)
    assert (entry.record, made) == ({"call": 1}, False)
    entry, made = Store(store.root).get_or_make("a", "k", make)
    assert (entry.record, made) == ({"call": 1}, False)


def test_force_recomputes_once_per_store_object(store: Store) -> None:
    values = iter(range(10))

    def make() -> Content:
        return Content(record={"call": next(values)})

    store.get_or_make("a", "k", make)
    assert store.get_or_make("a", "k", make, force=True)[0].record == {"call": 0}
    later = Store(store.root)
    assert later.get_or_make("a", "k", make, force=True)[0].record == {"call": 1}
    assert later.get_or_make("a", "k", make, force=True)[0].record == {"call": 1}
    assert later.get_or_make("a", "k", make)[0].record == {"call": 1}


def test_a_failing_make_leaves_nothing_and_frees_the_key(store: Store) -> None:
    def fail() -> Content:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.get_or_make("a", "k", fail)
    assert store.get("a", "k") is None
    assert store.get_or_make("a", "k", lambda: Content(record={}))[1] is True


def test_the_holder_of_a_lock_may_use_its_entry(store: Store) -> None:
    with store.lock("a", "k"):
        entry, made = store.get_or_make("a", "k", lambda: Content(record={"x": 1}))
    assert made
    assert entry.record == {"x": 1}


def test_threads_wait_for_each_other_and_say_so(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fairkd.store")
    started, go = threading.Event(), threading.Event()
    results: list[bool] = []

    def slow() -> Content:
        started.set()
        go.wait(10)
        return Content(record={"x": 1})

    def second() -> None:
        results.append(store.get_or_make("a", "k", lambda: Content(record={"x": 2}))[1])

    first = threading.Thread(target=lambda: store.get_or_make("a", "k", slow))
    first.start()
    assert started.wait(10)
    waiting = threading.Thread(target=second)
    waiting.start()
    while "Waiting for a k" not in caplog.text:
        assert waiting.is_alive()
    go.set()
    first.join(10)
    waiting.join(10)
    assert results == [False]
    entry = store.get("a", "k")
    assert entry is not None
    assert entry.record == {"x": 1}


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_byte_in_any_file_is_noticed(
    store: Store, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = store.put("teacher", "k", CONTENT).path / name
    whole = bytearray(path.read_bytes())
    whole[whole.index(b"a" if name != "record.json" else b"3")] ^= 1
    path.write_bytes(whole)
    assert store.get("teacher", "k") is None
    assert len(caplog.records) == 1
    assert f"{name} does not match its" in caplog.text
    assert not path.parent.exists()
    assert list((store.root / "tmp").iterdir()) == []
    assert store.get_or_make("teacher", "k", lambda: CONTENT)[1] is True
    assert store.get("teacher", "k") is not None


@pytest.mark.parametrize("name", FILES)
def test_missing_and_truncated_files_are_noticed(
    store: Store, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = store.put("teacher", "k", CONTENT).path / name
    path.write_bytes(path.read_bytes()[:-3])
    assert store.get("teacher", "k") is None
    assert name in caplog.text
    caplog.clear()
    store.put("teacher", "k", CONTENT)
    path.unlink()
    assert store.get("teacher", "k") is None
    assert f"{name} cannot be read (No such file or directory)" in caplog.text


def test_an_entry_moved_to_another_key_is_not_that_entry(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.put("teacher", "k", CONTENT).path.rename(store.root / "teacher" / "other")
    assert store.get("teacher", "other") is None
    assert "belongs to teacher k" in caplog.text


def test_entries_lists_what_is_whole(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    for kind, key in [("teacher", "b"), ("control", "z"), ("teacher", "a")]:
        store.put(kind, key, Content(record={}, about={"name": key}))
    (store.root / "teacher" / "b" / "entry.json").write_text(json.dumps({"entry": {}}))
    listed = [(entry.kind, entry.key, entry.about["name"]) for entry in store.entries()]
    assert listed == [("control", "z", "z"), ("teacher", "a", "a")]
    assert [entry.key for entry in store.entries("control")] == ["z"]
    assert "entry.json is not a whole manifest" in caplog.text


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "a b", "x" * 200])
def test_names_that_would_leave_the_store_are_refused(store: Store, name: str) -> None:
    with pytest.raises(StoreError, match="cannot name an entry"):
        store.get("teacher", name)
    with pytest.raises(StoreError, match="cannot name an entry"):
        store.put(name, "k", CONTENT)
    with pytest.raises(StoreError, match="a kind is not tmp or locks"):
        store.get("locks", "k")


@pytest.mark.parametrize("name", ["entry.json", "record.json", "a/b", "..", ""])
def test_extra_files_cannot_take_other_places(store: Store, name: str) -> None:
    with pytest.raises(StoreError, match="cannot hold a file named"):
        store.put("a", "k", Content(files={name: b""}))


def test_a_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file is a file, not a folder; set paths\.store"):
        Store(tmp_path / "file")


def test_a_root_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"paths\.store=.+/below cannot be a folder: .+/file is a"):
        Store(tmp_path / "file" / "deep" / "below")


def test_a_root_that_cannot_be_written_is_a_sentence() -> None:
    store = Store(Path("/proc/fairkd-store"))
    assert store.get("a", "k") is None
    with pytest.raises(StoreError, match=r"could not lock a k \(.+\); set paths\.store"):
        store.put("a", "k", CONTENT)


def test_what_another_process_made_is_not_forced_again(store: Store) -> None:
    values = iter(range(10))

    def make() -> Content:
        return Content(record={"call": next(values)})

    store.get_or_make("a", "k", make)
    store.get_or_make("a", "other", make)
    assert store.made == {("a", "k"), ("a", "other")}
    later = Store(store.root, made={("a", "k")})
    assert later.get_or_make("a", "k", make, force=True)[0].record == {"call": 0}
    assert later.get_or_make("a", "other", make, force=True)[0].record == {"call": 2}
    assert later.made == {("a", "k"), ("a", "other")}
    assert later.get_or_make("a", "gone", make, force=True)[1] is True


def test_looking_up_counts_as_use_and_asking_does_not(store: Store) -> None:
    entry = store.put("a", "k", CONTENT)
    os.utime(entry.path / "entry.json", (1000, 1000))
    store.holds("a", "k")
    list(store.entries())
    assert last_used(entry.path) == 1000
    before = time.time() - 1
    assert store.get("a", "k") == entry
    assert last_used(entry.path) > before


def test_a_store_that_cannot_be_written_is_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = store.put("a", "k", CONTENT)

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "utime", refuse)  # a test may run as a user who may write anything
    assert store.get("a", "k") == entry
