"""A user's table as a frame: CSV, Parquet, or a folder of Parquet files; local or by URL."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fairkd.data.fetch import fingerprint, sha256_of
from fairkd.data.location import located
from fairkd.data.reading import Reading
from fairkd.data.table_csv import CsvFile, no_rows
from fairkd.data.table_memory import check_fits, give_back
from fairkd.data.table_parquet import MAGIC, ParquetParts, parts_of
from fairkd.data.table_values import (
    plain_values,
    taken_for_missing,
    unique_names,
    without_index,
)
from fairkd.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_OTHER_FORMATS = {
    ".xlsx": "an Excel file", ".xls": "an Excel file", ".ods": "a spreadsheet",
    ".json": "a JSON file", ".jsonl": "a JSON file", ".feather": "a Feather file",
    ".arrow": "an Arrow file", ".orc": "an ORC file", ".sas7bdat": "a SAS file",
    ".dta": "a Stata file", ".sav": "an SPSS file", ".rds": "an R file", ".rda": "an R file",
    ".pkl": "a pickle, which could run any code and is never opened",
    ".pickle": "a pickle, which could run any code and is never opened",
    ".db": "a database", ".sqlite": "a database", ".h5": "an HDF5 file",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class TableFile:
    """A table as it was read.

    Attributes:
        frame: its columns, text trimmed; a missing value is NaN (None where all are missing).
        origin: where the rows came from, in words, for sentences to the user.
        fingerprint: of the content: of a file its sha256, of a folder a hash over its files'.
        notes: what was left out or looks odd, short phrases.
    """

    frame: "pd.DataFrame"
    origin: str
    fingerprint: str
    notes: tuple[str, ...] = ()


def read_table(
    path: str | Path,
    *,
    reading: Reading | None = None,
    choose: Callable[[Sequence[str]], Sequence[str]] | None = None,
    texts: Sequence[str] = (),
    sha256: str | None = None,
    memory_gib: float | None = None,
    cache: Path | None = None,
    key: str = "data",
) -> TableFile:
    """Read a table, or say in one sentence why not.

    Args:
        path: a file or folder, or a URL of a file.
        reading: how to read it.
        choose: the columns wanted, of those there are in their order (one without a name is
            ``""``); None for all. What it refuses is refused before a row is read.
        texts: columns of a CSV file that are text whatever they look like (``01234``).
        sha256: what `TableFile.fingerprint` has to be.
        memory_gib: what it may take, in GiB; None for what the machine has free.
        cache: where fetched files are kept; by default see `default_cache`.
        key: the section of its keys, for the sentences.

    Raises:
        DataError: it is not there, not readable, empty, too large, or not a table.
        ConfigError: a value that cannot work.
    """
    reading = reading or Reading()
    sha256 = None if sha256 is None else str(sha256).lower()
    place = located(str(path), key=f"{key}.path", cache=cache, sha256=sha256)
    origin = str(place)
    files = files_of(place, key)
    content = _fingerprint(files, place)
    if sha256 not in (None, content):
        raise DataError(
            f"{origin} has the sha256 {content}, and {key}.sha256 is {sha256}; correct the key, or "
            "name the right file."
        )
    found = opened_table(files, place, reading, key)
    names = unique_names(found.names, origin)
    wanted = names if choose is None else choose(names)
    places = [number for number, name in enumerate(names) if name in wanted]
    fits = partial(check_fits, origin, key=key, memory_gib=memory_gib)
    if isinstance(found, CsvFile):
        raw_texts = [raw for raw, name in zip(found.names, names, strict=True) if name in texts]
        table = found.read(places, raw_texts, fits)
    else:
        table = found.read(places, fits)
    table = table.rename_columns([names[number] for number in places])
    absent = taken_for_missing(table, reading)
    table = plain_values(table, reading)
    if not table.num_rows:
        raise DataError(no_rows(origin, table.column_names))
    table, left_out = without_index(table, origin)
    # Nothing else refers to the table: each of its columns is freed as soon as the frame has it.
    frame = table.to_pandas(
        date_as_object=False, split_blocks=True, self_destruct=True, ignore_metadata=True
    )
    give_back()
    return TableFile(frame, origin, content, (*left_out, *absent))


def _fingerprint(files: list[Path], place: Path) -> str:
    try:
        return fingerprint(files) if place.is_dir() else sha256_of(place)
    except OSError as error:
        raise DataError(f"{error.filename or place} cannot be read ({error.strerror}).") from error


def files_of(place: Path, key: str) -> list[Path]:
    """The file itself, or the Parquet files of a folder; see `parts_of`."""
    return parts_of(place, key) if place.is_dir() else [place]


def opened_table(
    files: list[Path], place: Path, reading: Reading, key: str
) -> CsvFile | ParquetParts:
    """A table whose columns' names are known, and nothing else yet.

    Args:
        files: of this machine, see `files_of`.
        place: the file or folder.
        reading: how to read it.
        key: the section of its keys, for the sentences.

    Raises:
        DataError: it is neither a CSV file nor Parquet.
    """
    if place.is_dir():
        return ParquetParts(files, place)
    with place.open("rb") as file:
        if file.read(len(MAGIC)) == MAGIC:
            return ParquetParts(files, place)
    if (what := _OTHER_FORMATS.get(place.suffix.lower())) is not None:
        raise DataError(
            f"{place} is {what}; write it as CSV or Parquet, and name that in {key}.path."
        )
    return CsvFile(place, reading, key)
