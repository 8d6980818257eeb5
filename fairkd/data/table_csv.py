"""A CSV file as a table of columns: its delimiter found, every row as long as the header."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairkd.data.compressed import ACCEPTED, content_bytes, opened
from fairkd.data.reading import Reading
from fairkd.data.table_codes import (
    certainly_changed,
    codes_in,
    holds_codes,
    perhaps_changed,
    with_points,
)
from fairkd.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

DELIMITERS = (",", ";", "\t", "|")
_HEAD = 2**20
_LOOKED_AT = 200
_BLOCK = 2**24  # the longest row
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_MARK = "\ufeff"
_NO_NUMBER = re.compile(r"CSV column #(\d+):.* conversion error to double: invalid value '(.*)'")

Fits = Callable[[float], None]


class CsvFile:
    """A CSV file whose header has been read.

    Attributes:
        names: the columns as the header has them.
        delimiter: between its fields.
    """

    def __init__(self, path: Path, reading: Reading, key: str) -> None:
        """Look at the beginning of a file.

        Args:
            path: of this machine, perhaps compressed.
            reading: how to read it.
            key: the section of its keys, for the sentences.

        Raises:
            DataError: empty, not text, or in another encoding.
        """
        self._path, self._reading, self._key = path, reading, key
        with opened(path) as stream:
            self._head = stream.read(_HEAD)
        if not self._head.strip():
            raise DataError(f"{path} is empty; name another file in {key}.path.")
        self._first = self._lines()
        found = _delimiter(self._first)
        self.delimiter = reading.delimiter or found
        self.names = next(csv.reader(self._first, delimiter=self.delimiter), [])
        if len(self.names) == 1 and (many := _alike(self._first[:_LOOKED_AT], found)[1]):
            raise DataError(
                f"{path} has one column with {key}.delimiter='{self.delimiter}', and {many} with "
                f"'{found}'; leave the key null."
            )
        self._codes = self._codes_seen()

    def read(self, places: Sequence[int], texts: Sequence[str], fits: Fits) -> "pa.Table":
        """Some of its columns.

        Args:
            places: of the columns among `names`.
            texts: names of those read as text whatever they look like.
            fits: refuses what is too large, told how many bytes the columns will take.

        Raises:
            DataError: a row of another length, bytes of another encoding, or whatever ``fits``
                refuses.
        """
        if len(self._head) == _HEAD:
            sample = io.BytesIO("".join(self._first).encode())
            taken = self._parsed(sample, places, texts, "utf8", skip=True).nbytes
            fits(taken / _HEAD * content_bytes(self._path))
        table = self._whole(places, texts)
        if len(set(self.names)) == len(self.names):
            changed = certainly_changed(table) + self._codes_beyond(table)
            if changed:
                table = self._whole(places, [*texts, *changed])
        if self._reading.decimal == ",":
            self._refuse_points(table, texts)
        fits(table.nbytes)
        return table

    def _whole(self, places: Sequence[int], texts: Sequence[str]) -> "pa.Table":
        with opened(self._path) as stream:
            return self._parsed(stream, places, texts, self._reading.encoding or "utf8")

    def _codes_beyond(self, table: "pa.Table") -> list[str]:
        """The columns of numbers that are codes in rows which were not looked at before."""
        is_whole_known = len(self._head) < _HEAD
        left = perhaps_changed(table, is_whole_known=is_whole_known)
        found: list[str] = []
        if left:
            for batch in self.batches([self.names.index(name) for name in left], ()):
                found += [name for name in left if holds_codes(batch.column(name))]
                left = [name for name in left if name not in found]
        return found

    def _refuse_points(self, table: "pa.Table", texts: Sequence[str]) -> None:
        """Refuse points between thousands, which would be taken for decimal points."""
        for name, column in zip(table.column_names, table.columns, strict=True):
            value = None if name in texts else with_points(column)
            if value is not None:
                raise DataError(
                    f"{self._path} holds '{value}' in the column '{name.strip()}', and beside "
                    f"{self._key}.decimal=',' a point stands between thousands; write the numbers "
                    f"without it, or call the column a category in {self._key}.types."
                )

    def batches(self, places: Sequence[int], numbers: Sequence[str]) -> "Iterator[pa.RecordBatch]":
        """Some of its columns, some rows at a time: numbers in float64, all others as text.

        Args:
            places: of the columns among `names`.
            numbers: the names of those that hold numbers.

        Raises:
            DataError: a row of another length, bytes of another encoding, or what is no number.
        """
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        names = [self.names[place] for place in places]
        types = {name: pa.float64() if name in numbers else pa.string() for name in names}
        encoding = self._reading.encoding or "utf8"
        with opened(self._path) as stream:
            try:
                yield from arrow_csv.open_csv(
                    stream, *self._options(names, types, encoding, raw=True)
                )
            except UnicodeError as error:
                raise DataError(self._undecodable()) from error
            except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
                wrong = _NO_NUMBER.search(str(error))
                if wrong is not None:
                    raise DataError(self._no_number(int(wrong[1]), wrong[2])) from error
                raise DataError(self._broken(str(error))) from error

    def _options(
        self,
        names: Sequence[str],
        types: "Mapping[str, pa.DataType]",
        encoding: str,
        *,
        skip: bool = False,
        raw: bool = False,
    ) -> tuple[Any, Any, Any]:
        """How Arrow reads, parses and converts it; raw text is left as it stands."""
        from pyarrow import csv as arrow_csv

        missing = list(self._reading.missing)
        if raw:  # of types that are given Arrow trims numbers, but not the words for missing ones
            missing = [f"{a}{word}{b}" for word in missing for a in ("", " ") for b in ("", " ")]
        return (
            arrow_csv.ReadOptions(encoding=encoding, block_size=_BLOCK),
            arrow_csv.ParseOptions(
                delimiter=self.delimiter,
                newlines_in_values=True,
                invalid_row_handler=(lambda _: "skip") if skip else None,
            ),
            arrow_csv.ConvertOptions(
                include_columns=list(names),
                column_types=dict(types),
                null_values=missing,
                true_values=["true", "True", "TRUE"],
                false_values=["false", "False", "FALSE"],
                strings_can_be_null=False,  # what text is missing is decided once it is trimmed
                decimal_point=self._reading.decimal,
            ),
        )

    def _no_number(self, place: int, value: str) -> str:
        return (
            f"{self._path} holds '{value}' in the column '{self.names[place].strip()}', which is "
            f"no number; correct it, leave it empty if it is missing, or see {self._key}.decimal "
            f"and {self._key}.missing."
        )

    def _parsed(
        self,
        stream: Any,
        places: Sequence[int],
        texts: Sequence[str],
        encoding: str,
        skip: bool = False,
    ) -> "pa.Table":
        """Columns of a stream, without the rows of another length if those are to be skipped."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        unique = len(set(self.names)) == len(self.names)
        types = dict.fromkeys([*texts, *self._codes], pa.string())
        names = [self.names[place] for place in places] if unique else []
        try:
            table = arrow_csv.read_csv(stream, *self._options(names, types, encoding, skip=skip))
        except UnicodeError as error:
            raise DataError(self._undecodable()) from error
        except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
            raise DataError(self._broken(str(error))) from error
        if any(pa.types.is_binary(kind) for kind in table.schema.types):
            raise DataError(self._undecodable())
        return table if unique else table.select(list(places))

    def _lines(self) -> list[str]:
        """The first lines as text, without a mark of the encoding."""
        given = self._reading.encoding
        if given is None and self._head.startswith(_UTF_16):
            raise DataError(
                f"{self._path} is not UTF-8 but UTF-16; set {self._key}.encoding=utf-16."
            )
        if given is None and b"\0" in self._head:
            raise DataError(
                f"{self._path} is not a text file; accepted: CSV (also {ACCEPTED}), Parquet, or "
                "a folder of Parquet files."
            )
        try:
            text = self._head.decode(given or "utf-8", errors="strict")
        except UnicodeDecodeError as error:
            if len(self._head) < _HEAD or error.start < _HEAD - 8:  # not a character cut in two
                raise DataError(self._undecodable()) from error
            text = self._head[: error.start].decode(given or "utf-8")
        if given is not None and _is_utf_8(self._head, given):
            raise DataError(
                f"{self._path} is UTF-8, which {self._key}.encoding={given} would read as other "
                "letters; leave the key null."
            )
        lines = list(io.StringIO(text.removeprefix(_MARK), newline=""))
        return lines[:-1] if len(self._head) == _HEAD and len(lines) > 1 else lines

    def _codes_seen(self) -> list[str]:
        """The columns of codes, as far as the first rows show."""
        try:
            return codes_in(self.names, csv.reader(self._first[1:], delimiter=self.delimiter))
        except csv.Error:
            return []

    def _undecodable(self) -> str:
        given = self._reading.encoding
        with opened(self._path) as stream:
            for place, line in enumerate(stream if given is None else (), start=1):
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError as error:
                    return (
                        f"{self._path} is not UTF-8 (byte 0x{line[error.start]:02x} in line "
                        f"{place}); set {self._key}.encoding, mostly latin-1 or cp1252."
                    )
        return (
            f"{self._path} is not in the encoding {self._key}.encoding={given}; name another, or "
            "null for UTF-8."
        )

    def _broken(self, problem: str) -> str:
        """The sentence for a file that is no table: where the first row of another length is."""
        if "UTF8" in problem:
            return self._undecodable()
        columns = len(self.names)
        try:
            with opened(self._path) as stream:
                text = io.TextIOWrapper(stream, encoding=self._reading.encoding or "utf-8")
                rows, found = csv.reader(text, delimiter=self.delimiter), 0
                for row in rows:
                    found += bool(row)
                    if row and len(row) != columns:
                        return (
                            f"{self._path} has {len(row)} fields in the row that ends in line "
                            f"{rows.line_num}, and {columns} columns; correct that row, or name "
                            f"what stands between fields in {self._key}.delimiter."
                        )
            if found < 2:
                return no_rows(self._path, self.names)
        except (csv.Error, UnicodeError) as error:
            problem = str(error)
        return f"{self._path} cannot be read as CSV ({problem.splitlines()[0]})."


def no_rows(origin: object, names: Sequence[str]) -> str:
    """The sentence for a table that is only a header."""
    return f"{origin} has columns and no rows ({', '.join(names)})."


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
