"""The store under real processes: races, kills, and a disk that is full."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fairkd.store import Store

RACE = """
import sys, time, logging
from pathlib import Path
from fairkd.store import Content, Store
logging.basicConfig(level="INFO", format="%(message)s", stream=sys.stdout)
root, own = Path(sys.argv[1]), sys.argv[2]
def make():
    with (root.parent / "calls").open("a") as calls:
        calls.write(own + "\\n")
    time.sleep(0.7)
    return Content(record={"by": own})
entry, made = Store(root).get_or_make("teacher", "k", make)
print(entry.record["by"], made)
"""

PUTS = """
import sys, itertools
from pathlib import Path
from fairkd.store import Content, Store
store = Store(Path(sys.argv[1]))
print("ready", flush=True)
for number in itertools.count():
    files = {f"{name}.bin": bytes([number % 256]) * 2_000_000 for name in "abc"}
    store.put("teacher", f"k{number % 3}", Content(record={"n": number % 256}, files=files))
"""

FULL = """
import resource, sys
from pathlib import Path
from fairkd.errors import StoreError
from fairkd.store import Content, Store
store = Store(Path(sys.argv[1]))
store.put("teacher", "small", Content(record={"x": 1}))
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
for key in ("small", "large"):
    try:
        store.put("teacher", key, Content(record={"x": 2}, files={"big.bin": bytes(3_000_000)}))
    except StoreError as error:
        print(error)
"""

HOLD = """
import sys, time
from pathlib import Path
from fairkd.store.workspace import Workspace
with Workspace(Path(sys.argv[1]) / "tmp") as workspace:
    workspace.write({"half": b"x"})
    print("ready", flush=True)
    time.sleep(60)
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def output(process: subprocess.Popen[str]) -> str:
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return text


def ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


def test_racing_processes_compute_once(tmp_path: Path) -> None:
    racing = [start(RACE, tmp_path / "store", name) for name in ("one", "two", "three")]
    printed = [output(process).splitlines() for process in racing]
    calls = (tmp_path / "calls").read_text().split()
    assert len(calls) == 1
    last = sorted(lines[-1] for lines in printed)
    assert last == [f"{calls[0]} False", f"{calls[0]} False", f"{calls[0]} True"]
    waited = [line for lines in printed for line in lines[:-1]]
    assert waited == ["Waiting for teacher k, which another process is computing."] * len(waited)


@pytest.mark.slow
def test_killed_processes_leave_whole_entries_or_none(tmp_path: Path) -> None:
    root = tmp_path / "store"
    seen = 0
    for attempt in range(12):
        writer = start(PUTS, root)
        ready(writer)
        time.sleep(0.01 + 0.013 * attempt)
        kill(writer)
        store = Store(root)
        assert list((root / "tmp").glob("*")) == []  # a process killed early made no such folder
        for path in (root / "teacher").glob("*"):
            entry = store.get("teacher", path.name)
            assert entry is not None, path
            byte = bytes([entry.record["n"]])
            assert all(entry.file(f"{name}.bin").read_bytes() == byte * 2_000_000 for name in "abc")
            seen += 1
    assert seen > 6


@pytest.mark.slow
def test_readers_never_see_half_of_a_replacement(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path / "store")
    writer = start(PUTS, store.root)
    ready(writer)
    read, until = 0, time.monotonic() + 2
    while time.monotonic() < until:
        read += store.get("teacher", "k1") is not None
    kill(writer)
    assert read > 20
    # A reader may wait for the writer; nothing it read was damaged.
    assert all(record.message.startswith("Waiting for ") for record in caplog.records)


def test_remains_of_the_dead_go_and_work_of_the_living_stays(tmp_path: Path) -> None:
    root = tmp_path / "store"
    living, dying = start(HOLD, root), start(HOLD, root)
    try:
        ready(living)
        ready(dying)
        kill(dying)
        assert len(list((root / "tmp").glob("*/new/half"))) == 2
        Store(root)
        assert len(list((root / "tmp").glob("*/new/half"))) == 1
        assert len(list((root / "tmp").iterdir())) == 2
    finally:
        kill(living)


def test_a_full_disk_is_a_sentence_and_leaves_what_was_there(tmp_path: Path) -> None:
    root = tmp_path / "store"
    sentences = output(start(FULL, root)).splitlines()
    assert len(sentences) == 2
    assert "could not keep teacher large: File too large (2.9 MiB needed," in sentences[1]
    assert "free on its disk). Nothing half-written was left; free some space" in sentences[1]
    assert "set paths.store to a folder on another disk." in sentences[1]
    store = Store(root)
    kept = store.get("teacher", "small")
    assert kept is not None
    assert kept.record == {"x": 1}
    assert store.get("teacher", "large") is None
    assert list((root / "tmp").glob("*")) == []  # a process killed early made no such folder


def test_a_lock_dies_with_its_process_though_a_forked_child_lives(tmp_path: Path) -> None:
    code = """
import os, sys, time
from pathlib import Path
from fairkd.store import Store
with Store(Path(sys.argv[1])).lock("teacher", "k"):
    if child := os.fork():
        print(child, flush=True)
    time.sleep(60)
"""
    holder = start(code, tmp_path / "store")
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    try:
        holder.kill()
        holder.wait(timeout=10)
        started = time.monotonic()
        with Store(tmp_path / "store").lock("teacher", "k"):
            assert time.monotonic() - started < 5
        assert Path(f"/proc/{child}").exists() or sys.platform != "linux"
    finally:
        subprocess.run(["kill", "-9", str(child)], check=False)
        assert holder.stdout is not None
        holder.stdout.close()
