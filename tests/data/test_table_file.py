import bz2
import functools
import gzip
import hashlib
import http.server
import logging
import lzma
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fairkd.data.location import located
from fairkd.data.reading import Reading
from fairkd.data.table_file import read_table
from fairkd.errors import ConfigError, DataError, FairkdError

ROWS = 30_000
_random = np.random.default_rng(0)
LONG = pd.DataFrame(
    {
        "number": _random.integers(10**9, size=ROWS),
        "share": _random.random(ROWS),
        "town": _random.choice(["Rome", "Oslo", "a town with a long name"], ROWS),
        "known": _random.choice([True, False], ROWS),
    }
)
CSV = LONG.to_csv(index=False).encode()
SHORT = LONG[:8].to_csv(index=False).encode()


def same(path: Path, expected: pd.DataFrame = LONG[:8]) -> None:
    found = read_table(path).frame
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


@pytest.fixture
def short(tmp_path: Path) -> Path:
    path = tmp_path / "short.csv"
    path.write_bytes(SHORT)
    return path


@pytest.mark.parametrize("name", ["my table.csv", "table", "table.csv.GZ", "täble.txt"])
@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, bz2.compress, lzma.compress], ids=["plain", "gz", "bz2", "xz"]
)
def test_names_do_not_say_what_a_file_holds(
    name: str, pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(pack(SHORT))
    same(path)


def test_archives(tmp_path: Path) -> None:
    path = tmp_path / "people.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inside/people.csv", SHORT)
        archive.writestr("__MACOSX/people.csv", b"\0")
    same(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("more.csv", SHORT)
    with pytest.raises(DataError) as refused:
        read_table(path)
    assert str(refused.value) == (
        f"{path} is an archive of 2 files (inside/people.csv, more.csv); take out the one that is "
        "the table."
    )


def test_home(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(short.parent))
    same(Path("~/short.csv"))


def test_missing_and_unreadable_files(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = short.parent
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read everything
    for asked, sentence in {
        folder / "shrt.csv": f"There is no file {folder}/shrt.csv; did you mean '{short}'? Change "
        "data.path.",
        folder / "zzz": f"There is no file {folder}/zzz; its folder holds: short.csv. Change "
        "data.path.",
        folder / "no" / "x.csv": f"There is no file {folder}/no/x.csv, nor a folder {folder}/no; "
        "name another in data.path.",
        short: f"{short} cannot be read (Permission denied); change its permissions, or name "
        "another file in data.path.",
    }.items():
        with pytest.raises(DataError) as refused:
            read_table(asked)
        assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("people.xlsx", "an Excel file"),
        ("people.json", "a JSON file"),
        ("people.pkl", "a pickle, which could run any code and is never opened"),
    ],
)
def test_other_formats(name: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(SHORT)
    with pytest.raises(DataError) as refused:
        read_table(path)
    assert str(refused.value) == (
        f"{path} is {what}; write it as CSV or Parquet, and name that in data.path."
    )


# Parquet


def test_parquet_has_the_same_values(tmp_path: Path) -> None:
    LONG.astype({"town": "category"}).to_parquet(tmp_path / "long")
    same(tmp_path / "long", LONG)


def test_an_index_is_no_column(tmp_path: Path) -> None:
    LONG[8:20].to_parquet(tmp_path / "some.parquet")  # a range in the file's metadata
    same(tmp_path / "some.parquet", LONG[8:20].reset_index(drop=True))
    LONG[:8].set_index(np.arange(8)).to_parquet(tmp_path / "kept.parquet", index=True)
    found = read_table(tmp_path / "kept.parquet")
    assert list(found.frame) == list(LONG)
    assert found.notes == ("column 5, '__index_level_0__', is left out: it numbers the rows",)


def test_a_folder_of_parts(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    for town, part in LONG[:100].groupby("town"):
        (folder / f"town={town}").mkdir(parents=True)
        part.drop(columns="town").to_parquet(folder / f"town={town}" / "0.parquet")
    (folder / "_SUCCESS").touch()
    (folder / "notes.txt").write_text("no part")
    found = read_table(folder).frame
    expected = LONG[:100].sort_values("town", kind="stable").reset_index(drop=True)
    pd.testing.assert_frame_equal(found[list(LONG)], expected, check_dtype=False)


def test_parts_with_other_numbers_fit_and_other_columns_do_not(tmp_path: Path) -> None:
    LONG[:3].to_parquet(tmp_path / "0.parquet")
    LONG[3:6].assign(number=[0.5, 1.5, 2.5]).to_parquet(tmp_path / "1.parquet")
    assert read_table(tmp_path).frame["number"].tolist() == [*LONG["number"][:3], 0.5, 1.5, 2.5]
    LONG[:3].drop(columns="share").to_parquet(tmp_path / "2.parquet")
    with pytest.raises(DataError) as refused:
        read_table(tmp_path)
    assert str(refused.value) == (
        "0.parquet has a column 'share' and 2.parquet has none; parts of one table have the same "
        "columns."
    )
    LONG[:3].assign(share="much").to_parquet(tmp_path / "2.parquet")
    with pytest.raises(DataError, match=r"do not fit together \(.*share.*\); write them with"):
        read_table(tmp_path)


def test_folders_and_files_that_are_no_parquet(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        read_table(tmp_path)
    assert str(refused.value) == (
        f"{tmp_path} is a folder without Parquet files (it is empty); name a CSV or Parquet file, "
        "or a folder of Parquet files, in data.path."
    )
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError, match=r"a.parquet cannot be read as Parquet \(.*\); write or co"):
        read_table(tmp_path / "a.parquet")


# What a file takes


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_large_file_is_refused_before_it_is_read(
    pack: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.csv"
    path.write_bytes(pack(CSV))
    asked: list[float] = []
    monkeypatch.setattr(
        "fairkd.data.table_file.check_fits", lambda _, needed, **__: asked.append(needed)
    )
    values = read_table(path).frame.memory_usage(index=False).sum()
    estimate, known = asked
    assert estimate == pytest.approx(known, rel=0.02)
    assert known == pytest.approx(values, rel=0.2)


def test_what_a_machine_has_free(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Memory:
        available = 100

    monkeypatch.setattr("psutil.virtual_memory", Memory)
    with pytest.raises(DataError, match=r"GiB are free; read fewer columns with data\.columns="):
        read_table(short)
    assert len(read_table(short, memory_gib=1).frame) == 8


# Names and reading


def test_the_fingerprint_is_of_the_content(short: Path) -> None:
    first = read_table(short)
    assert first.fingerprint == hashlib.sha256(SHORT).hexdigest()
    os.utime(short, (0, 0))
    assert read_table(short.rename(short.with_name("b"))).fingerprint == first.fingerprint


def test_only_chosen_columns_are_read(short: Path) -> None:
    seen: list[list[str]] = []
    found = read_table(short, choose=lambda names: seen.append([*names]) or ["town", "number"])
    assert seen == [list(LONG)]
    assert list(found.frame) == ["number", "town"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"delimiter": ";;"},
            "data.delimiter=;; cannot stand between fields; accepted: one ASCII character, as in "
            "data.delimiter=';', or null, which finds it.",
        ),
        (
            {"encoding": "utf9"},
            "data.encoding=utf9 is no encoding; accepted: those of Python, such as utf-8, latin-1, "
            "cp1252, utf-16 or shift_jis.",
        ),
        ({"decimal": ";"}, "data.decimal=; is not known; accepted: ., ,."),
        (
            {"delimiter": ",", "decimal": ","},
            "data.delimiter and data.decimal are both ','; files with decimal commas mostly have "
            "semicolons between their fields.",
        ),
        (
            {"missing": "NA"},
            "data.missing=NA is not a list of words; accepted: words in quotes, as in "
            "data.missing=['','NA','unknown'].",
        ),
        ({"lower_case": 1}, "data.lower_case=1 is not known; accepted: true, false."),
        ({"sep": ","}, "Unknown key of data 'sep'. Accepted: decimal, delimiter, encoding, "
                       "lower_case, missing."),
    ],
)  # fmt: skip
def test_keys_of_reading(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Reading.of(given)
    assert str(refused.value) == sentence


# URLs


@pytest.fixture
def server(short: Path) -> Iterator[tuple[str, list[str]]]:
    """A server of the short table's folder, and what was asked of it."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if self.path == "/half.csv":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"a,b\n1,2\n")
                return
            super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Handler, directory=str(short.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()


def test_a_url_is_fetched_once(
    server: tuple[str, list[str]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (url, asked), cache = server, tmp_path / "cache"
    caplog.set_level(logging.INFO)
    for _ in range(2):
        found = read_table(f"{url}/short.csv", cache=cache)
        pd.testing.assert_frame_equal(found.frame, LONG[:8], check_dtype=False)
    assert asked == ["/short.csv"]
    (file,) = cache.glob("urls/*/short.csv")
    assert f"{url}/short.csv is in {file} (sha256 {found.fingerprint})." in caplog.messages
    file.write_bytes(b"damaged")
    pinned = read_table(f"{url}/short.csv", cache=cache, sha256=found.fingerprint)
    assert len(pinned.frame) == 8
    assert len(asked) == 2


def test_a_url_that_cannot_be_fetched(
    server: tuple[str, list[str]], tmp_path: Path, free_port: Callable[[], int]
) -> None:
    url, _ = server
    nobody = f"http://127.0.0.1:{free_port()}/x.csv"
    for asked, why in {
        f"{url}/no.csv": "the server answers 404 File not found",
        f"{url}/half.csv": "IncompleteRead(0 bytes read, 992 more expected)",
        nobody: "[Errno 111] Connection refused",
    }.items():
        with pytest.raises(DataError) as refused:
            located(asked, key="data.path", cache=tmp_path / "cache")
        assert str(refused.value) == (
            f"{asked} cannot be fetched ({why}); correct data.path, or download it and name its "
            "path."
        )
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.suffix == ".csv"]


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("s3://bucket/x.csv", "data.path=s3://bucket/x.csv is a URL of s3; accepted: a path, or a "
                              "URL of http or https."),
        ("https://me:secret@host/x.csv", "The URL in data.path holds a name or password, which "
                                         "would be tracked with the job; download the file, and "
                                         "name its path."),
    ],
)  # fmt: skip
def test_urls_of_other_kinds(url: str, sentence: str) -> None:
    with pytest.raises(FairkdError) as refused:
        read_table(url)
    assert str(refused.value) == sentence
