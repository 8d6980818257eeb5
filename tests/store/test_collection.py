"""Making room, beside processes that live and after processes that died."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from fairkd.errors import StoreError
from fairkd.store import Content, Store
from fairkd.store.collection import collect
from fairkd.store.survey import Found, survey

LOCK = """
import sys, time
from pathlib import Path
from fairkd.store import Store
with Store(Path(sys.argv[1])).lock("teacher", "a"):
    print("ready", flush=True)
    time.sleep(60)
"""

WORK = """
import sys, time
from pathlib import Path
from fairkd.store.workspace import Workspace
with Workspace(Path(sys.argv[1]) / "tmp") as workspace:
    workspace.write({"half": bytes(1000)})
    print("ready", flush=True)
    time.sleep(60)
"""


@contextmanager
def living(code: str, root: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", code, str(root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Four entries of somewhat above 10,000 bytes, used in the order b, d, a, c."""
    store = Store(tmp_path / "store")
    for key, used in {"a": 3000, "b": 1000, "c": 4000, "d": 2000}.items():
        entry = store.put("teacher", key, Content(files={"x.bin": bytes(10_000)}))
        os.utime(entry.path / "entry.json", (used, used))
    return store


def keys(store: Store) -> list[str]:
    return [found.key for found in survey(store.root)]


def everything(store: Store) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in store.root.rglob("*") if path.is_file()}


def damage(store: Store, key: str) -> None:
    (store.root / "teacher" / key / "x.bin").write_bytes(b"changed")


def test_sizes_are_those_on_the_disk(store: Store) -> None:
    for found in survey(store.root):
        assert found.size == sum(path.stat().st_size for path in found.path.iterdir())
        assert found.size > 10_000
    assert [found.used for found in survey(store.root)] == [3000, 1000, 4000, 2000]


@pytest.mark.parametrize(
    ("limit", "left"),
    [(None, "abcd"), (100_000, "abcd"), (32_000, "acd"), (22_000, "ac"), (12_000, "c"), (0, "")],
)
def test_what_was_used_longest_ago_goes_until_the_rest_fits(
    store: Store, limit: int | None, left: str
) -> None:
    before = everything(store)
    planned = collect(store.root, limit, dry_run=True)
    assert everything(store) == before
    done = collect(store.root, limit)
    assert done == planned
    assert keys(store) == list(left)
    assert [removal.found.key for removal in done.removed] == list("bdac")[: 4 - len(left)]
    assert (done.kept, done.size) == (len(left), sum(f.size for f in survey(store.root)))
    assert limit is None or done.size <= limit
    locks = {path.stem for path in (store.root / "locks" / "teacher").iterdir()}
    assert locks == set(left)
    assert list((store.root / "tmp").iterdir()) == []


def test_looking_up_saves_an_entry(store: Store) -> None:
    store.get("teacher", "b")
    collect(store.root, 22_000)
    assert keys(store) == ["b", "c"]


def test_what_is_removed_is_computed_again(store: Store) -> None:
    collect(store.root, 0)
    entry, made = store.get_or_make("teacher", "a", lambda: Content(record={"x": 1}))
    assert made
    assert entry.record == {"x": 1}


def test_damaged_entries_always_go(store: Store) -> None:
    damage(store, "c")
    (store.root / "teacher" / "d" / "entry.json").write_text("{}")
    done = collect(store.root, None)
    assert keys(store) == ["a", "b"]
    assert {removal.found.key: removal.reason for removal in done.removed} == {
        "c": "x.bin does not match its checksum",
        "d": "entry.json is not a whole manifest",
    }


def test_an_entry_that_a_living_process_holds_stays(store: Store) -> None:
    damage(store, "a")
    with living(LOCK, store.root) as holder:
        done = collect(store.root, 0)
        assert keys(store) == ["a"]
        assert (done.kept, done.locked >= 1) == (1, True)
        holder.kill()
        holder.wait()
        assert collect(store.root, None).locked == 0
    assert keys(store) == []


def test_remains_of_the_dead_go_and_work_of_the_living_stays(store: Store) -> None:
    with living(WORK, store.root), living(WORK, store.root) as dying:
        assert collect(store.root, None).left_behind == 0
        dying.kill()
        dying.wait()
        assert collect(store.root, None, dry_run=True).left_behind == 1000
        assert len(list(store.root.glob("tmp/*/new/half"))) == 2
        assert collect(store.root, None).left_behind == 1000
        assert len(list(store.root.glob("tmp/*/new/half"))) == 1


def test_an_entry_used_or_replaced_meanwhile_stays(store: Store) -> None:
    damage(store, "b")

    def meanwhile(found: Sequence[Found]) -> Iterator[Found]:
        yield from found
        store.get("teacher", "d")

    collect(store.root, 12_000, watch=meanwhile)
    assert keys(store) == ["d"]


def test_folders_of_other_people_are_left_alone(store: Store) -> None:
    strange = store.root / "photos" / "2019"
    strange.mkdir(parents=True)
    (strange / "cat.jpg").write_bytes(b"meow")
    outside = store.root.parent / "outside"
    outside.mkdir()
    (store.root / "teacher" / "link").symlink_to(outside)
    collect(store.root, 0)
    assert keys(store) == []
    assert (strange / "cat.jpg").read_bytes() == b"meow"
    assert outside.exists()


def test_what_a_crash_left_of_an_entry_is_damaged(store: Store) -> None:
    (store.root / "teacher" / "a" / "entry.json").unlink()
    (store.root / "teacher" / "a" / "x.bin").rename(
        store.root / "teacher" / "a" / "tensors.safetensors"
    )
    (done,) = collect(store.root, None).removed
    assert done.found.key == "a"
    assert done.reason == "entry.json cannot be read (No such file or directory)"


def test_no_store_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"There is no store at .+; give its folder with --store"):
        collect(tmp_path / "absent", None)
