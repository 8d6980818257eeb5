"""A CSV file as a table of columns: its delimiter found, every row as long as the header."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairkd.data.compressed import content_bytes, opened
from fairkd.data.csv_head import HEAD_BYTES, CsvHead
from fairkd.data.reading import Reading
from fairkd.data.table_codes import (
    certainly_changed,
    holds_codes,
    perhaps_changed,
    with_points,
)
from fairkd.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK = 2**24  # the longest row
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
        self._head = CsvHead(path, reading, key)
        self.names, self.delimiter = self._head.names, self._head.delimiter
        self._codes = self._head.codes()

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
        if not self._head.is_all:
            sample = io.BytesIO("".join(self._head.lines).encode())
            taken = self._parsed(sample, places, texts, "utf8", skip=True).nbytes
            fits(taken / HEAD_BYTES * content_bytes(self._path))
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
        left = perhaps_changed(table, is_whole_known=self._head.is_all)
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
                raise DataError(self._head.undecodable()) from error
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
            raise DataError(self._head.undecodable()) from error
        except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
            raise DataError(self._broken(str(error))) from error
        if any(pa.types.is_binary(kind) for kind in table.schema.types):
            raise DataError(self._head.undecodable())
        return table if unique else table.select(list(places))

    def _broken(self, problem: str) -> str:
        """The sentence for a file that is no table: where the first row of another length is."""
        if "UTF8" in problem:
            return self._head.undecodable()
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
