"""A table read some rows at a time, for what is larger than memory."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fairkd.data.location import located
from fairkd.data.reading import Reading
from fairkd.data.table_csv import CsvFile
from fairkd.data.table_file import files_of, opened_table
from fairkd.data.table_parquet import ParquetParts
from fairkd.data.table_values import plain_values, unique_names

if TYPE_CHECKING:
    import pandas as pd

ROWS = 65_536
"""At most so many at a time of a Parquet file; of a CSV file about 16 MB."""


@dataclass(frozen=True, eq=False)
class TableBatches:
    """A table of which only the columns' names were read.

    Attributes:
        names: the columns, without spaces around their names; one without a name is ``""``.
        origin: where the rows come from, in words.
        rows: how many there are; ``None`` of a CSV file.
    """

    names: tuple[str, ...]
    origin: str
    rows: int | None
    _file: CsvFile | ParquetParts
    _reading: Reading

    @classmethod
    def open(cls, path: str | Path, reading: Reading, key: str = "data") -> "TableBatches":
        """Look at a table: a CSV or Parquet file, a folder of Parquet files, or a file's URL.

        Args:
            path: of the file or folder, or the URL.
            reading: how to read it.
            key: the section of its keys, for the sentences.

        Raises:
            DataError: it is not there, not readable, empty, or not a table.
        """
        place = located(str(path), key=f"{key}.path")
        file = opened_table(files_of(place, key), place, reading, key)
        names = tuple(unique_names(file.names, str(place)))
        rows = None if isinstance(file, CsvFile) else file.rows
        return cls(names, str(place), rows, file, reading)

    def frames(
        self, wanted: Collection[str], numbers: Collection[str], kept: Collection[str] = ()
    ) -> "Iterator[pd.DataFrame]":
        """Some of its columns, some rows at a time; text is trimmed, a missing value is NaN.

        Args:
            wanted: of `names`.
            numbers: those of them that hold numbers. In a CSV file all others are text; a Parquet
                file knows its types itself.
            kept: more of `names`, that come behind the others, as they stand in the file: text
                with its spaces, whole numbers with all digits.

        Raises:
            DataError: the file is damaged, or ends in something that is no table.
        """
        import pandas as pd
        import pyarrow as pa

        beside = [name for name in self.names if name in kept and name not in wanted]
        read = {*wanted, *beside}
        places = [place for place, name in enumerate(self.names) if name in read]
        names = [self.names[place] for place in places]
        if isinstance(self._file, CsvFile):
            raw = [self._file.names[place] for place in places if self.names[place] in numbers]
            batches = self._file.batches(places, raw)
        else:
            batches = self._file.batches(places, ROWS)
        for batch in batches:
            table = pa.Table.from_batches([batch]).rename_columns(names)
            frame: pd.DataFrame = plain_values(table.drop_columns(beside), self._reading).to_pandas(
                date_as_object=False, ignore_metadata=True
            )
            if beside:
                other = table.select(beside).unify_dictionaries()
                exact = other.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)
                frame = pd.concat([frame, exact], axis=1)
            yield frame
