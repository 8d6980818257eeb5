"""The beginning of a CSV file: its encoding, what stands between its fields, its header."""

import codecs
import csv
import io
from collections.abc import Sequence
from pathlib import Path

from fairkd.data.compressed import ACCEPTED, opened
from fairkd.data.reading import Reading
from fairkd.data.table_codes import codes_in
from fairkd.errors import DataError

DELIMITERS = (",", ";", "\t", "|")
HEAD_BYTES = 2**20
_LOOKED_AT = 200
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_MARK = "\ufeff"


class CsvHead:
    """The first lines of a CSV file, and what they say of it.

    Attributes:
        lines: the whole ones among the first `HEAD_BYTES`, without a mark of the encoding.
        is_all: whether there is nothing behind them.
        names: the columns as the header has them.
        delimiter: between its fields.
    """

    def __init__(self, path: Path, reading: Reading, key: str) -> None:
        """Read it.

        Args:
            path: of this machine, perhaps compressed.
            reading: how to read it.
            key: the section of its keys, for the sentences.

        Raises:
            DataError: empty, not text, in another encoding, or divided by something else.
        """
        self._path, self._encoding, self._key = path, reading.encoding, key
        with opened(path) as stream:
            head = stream.read(HEAD_BYTES)
        if not head.strip():
            raise DataError(f"{path} is empty; name another file in {key}.path.")
        self.is_all = len(head) < HEAD_BYTES
        self.lines = self._decoded(head)
        found = _delimiter(self.lines)
        self.delimiter = reading.delimiter or found
        self.names = next(csv.reader(self.lines, delimiter=self.delimiter), [])
        if len(self.names) == 1 and (many := _alike(self.lines[:_LOOKED_AT], found)[1]):
            raise DataError(
                f"{path} has one column with {key}.delimiter='{self.delimiter}', and {many} with "
                f"'{found}'; leave the key null."
            )

    def codes(self) -> list[str]:
        """The columns of codes, as far as the first rows show."""
        try:
            return codes_in(self.names, csv.reader(self.lines[1:], delimiter=self.delimiter))
        except csv.Error:
            return []

    def undecodable(self) -> str:
        """The sentence for a file of another encoding: where the first byte is that shows it."""
        with opened(self._path) as stream:
            for place, line in enumerate(stream if self._encoding is None else (), start=1):
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError as error:
                    return (
                        f"{self._path} is not UTF-8 (byte 0x{line[error.start]:02x} in line "
                        f"{place}); set {self._key}.encoding, mostly latin-1 or cp1252."
                    )
        return (
            f"{self._path} is not in the encoding {self._key}.encoding={self._encoding}; name "
            "another, or null for UTF-8."
        )

    def _decoded(self, head: bytes) -> list[str]:
        given = self._encoding
        if given is None and head.startswith(_UTF_16):
            raise DataError(
                f"{self._path} is not UTF-8 but UTF-16; set {self._key}.encoding=utf-16."
            )
        if given is None and b"\0" in head:
            raise DataError(
                f"{self._path} is not a text file; accepted: CSV (also {ACCEPTED}), Parquet, or "
                "a folder of Parquet files."
            )
        try:
            text = head.decode(given or "utf-8", errors="strict")
        except UnicodeDecodeError as error:
            if self.is_all or error.start < HEAD_BYTES - 8:  # not a character cut in two
                raise DataError(self.undecodable()) from error
            text = head[: error.start].decode(given or "utf-8")
        if given is not None and _is_utf_8(head, given):
            raise DataError(
                f"{self._path} is UTF-8, which {self._key}.encoding={given} would read as other "
                "letters; leave the key null."
            )
        lines = list(io.StringIO(text.removeprefix(_MARK), newline=""))
        return lines if self.is_all or len(lines) == 1 else lines[:-1]


def _is_utf_8(head: bytes, given: str) -> bool:
    """Whether bytes in another encoding, as they are said to be, are UTF-8 without doubt."""
    if head.isascii() or b"\0" in head or codecs.lookup(given).name.startswith("utf"):
        return False
    decoder = codecs.getincrementaldecoder("utf-8")()  # a character may be cut in two at the end
    try:
        decoder.decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(lines: Sequence[str]) -> str:
    """What divides the first lines most alike, and the header into most fields."""
    found = {mark: _alike(lines[:_LOOKED_AT], mark) for mark in DELIMITERS}
    return max(DELIMITERS, key=found.__getitem__)


def _alike(lines: Sequence[str], mark: str) -> tuple[float, int]:
    """The share of rows as long as the header, and that length; nothing for a header of one field.

    The last row may be cut off by the end of what was looked at.
    """
    try:
        lengths = [len(row) for row in csv.reader(lines, delimiter=mark) if row]
    except csv.Error:
        return (0.0, 0)
    if not lengths or lengths[0] == 1:
        return (0.0, 0)
    return (sum(length == lengths[0] for length in lengths) / len(lengths), lengths[0])
