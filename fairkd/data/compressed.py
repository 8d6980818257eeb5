"""Files as they are or compressed, told apart by their first bytes and never by their names."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from fairkd.errors import DataError

ACCEPTED = "gz, bz2, xz, or zip with one file inside"
_SAMPLE = 4 * 2**20
_ZIP = b"PK\x03\x04"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_DAMAGED = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, zipfile.BadZipFile)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """A file's content, decompressed while it is read.

    Raises:
        DataError: damaged, compressed in another way, or an archive of several files; raised
            inside the block too, where reading on finds the damage.
        OSError: it cannot be opened.
    """
    with path.open("rb") as raw, _whole(path), _decompressed(raw, path) as stream:
        yield stream


def content_bytes(path: Path) -> int:
    """About how many bytes `opened` would give: exact for small files, else from their beginning.

    Raises:
        DataError: as of `opened`.
    """
    with path.open("rb") as raw, _whole(path), _decompressed(raw, path) as stream:
        read = len(stream.read(_SAMPLE))
        if read < _SAMPLE:
            return read
        return int(read * path.stat().st_size / raw.tell())


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise DataError(
            f"{path} cannot be decompressed ({error}); copy or fetch it again."
        ) from error


@contextmanager
def _decompressed(raw: IO[bytes], path: Path) -> Iterator[IO[bytes]]:
    start = raw.read(6)
    raw.seek(0)
    if start.startswith(b"\x1f\x8b"):
        with gzip.open(raw, "rb") as unzipped:
            yield unzipped
    elif start.startswith(b"BZh"):
        with bz2.open(raw, "rb") as stream:
            yield stream
    elif start.startswith(b"\xfd7zXZ"):
        with lzma.open(raw, "rb") as stream:
            yield stream
    elif start.startswith(_ZIP):
        with zipfile.ZipFile(raw) as archive, archive.open(_only_member(archive, path)) as member:
            yield member
    elif start.startswith(_ZSTANDARD):
        raise DataError(f"{path} is compressed with Zstandard; accepted: {ACCEPTED}.")
    else:
        yield raw


def _only_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    files = [
        member
        for member in archive.infolist()
        if not member.is_dir() and not member.filename.startswith("__MACOSX/")
    ]
    if len(files) == 1:
        return files[0]
    names = ", ".join(member.filename for member in files[:5])
    raise DataError(
        f"{path} is an archive of {len(files)} files ({names}{', ...' if len(files) > 5 else ''}); "
        "take out the one that is the table."
    )
