"""The text files of published tables: reading them, and refusing what is not in their form."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fairkd.data.sources import WheelSource
from fairkd.data.values import Texts, as_text
from fairkd.errors import DataError

LEAVE_EMPTY = "correct it, and leave it empty where a number is missing"


def read_csv(
    source: WheelSource,
    folder: Path,
    name: str,
    called: str,
    needed: Sequence[str] = (),
    **options: Any,
) -> pd.DataFrame:
    """Read one of a source's files.

    Args:
        source: the source, for the sentences.
        folder: where its files are.
        name: the file's name.
        called: the table in words ("Adult's table").
        needed: columns that must be there.
        options: how pandas reads it.

    Raises:
        DataError: there is no such file, it is no table, or a column is not there.
    """
    file = folder / name
    try:
        frame: pd.DataFrame = pd.read_csv(file, **options)
    except FileNotFoundError as error:
        raise DataError(
            f"There is no file {file}; data.path for data={source.name} is a folder that holds "
            f"{' and '.join(source.files)}."
        ) from error
    # pandas' parser errors are ValueErrors
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{file} cannot be read as {called} ({error}).") from error
    absent = [column for column in needed if column not in frame.columns]
    if absent:
        raise DataError(
            f"{file} has no column {', '.join(absent)}; name a folder with {called} in data.path."
        )
    return frame


def read_headerless(
    source: WheelSource,
    folder: Path,
    name: str,
    called: str,
    columns: Sequence[str],
    **options: Any,
) -> pd.DataFrame:
    """Read a file without a header line, see `read_csv`, and name its columns.

    Raises:
        DataError: as `read_csv`, or another number of columns.
    """
    frame = read_csv(source, folder, name, called, header=None, **options)
    if frame.shape[1] != len(columns):
        raise DataError(
            f"{folder / name} has {frame.shape[1]} columns, {called} has {len(columns)} and no "
            f"header line; name a folder with its {' and '.join(source.files)} in data.path."
        )
    frame.columns = pd.Index(columns)
    return frame


def check_numbers(
    file: Path, frame: pd.DataFrame, columns: Sequence[str], correct: str = LEAVE_EMPTY
) -> None:
    """Refuse columns that are no numbers.

    Raises:
        DataError: it names the first one, and how to correct it.
    """
    for name in columns:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            raise DataError(
                f"{file} holds something other than numbers in the column '{name}'; {correct}."
            )


def renamed(file: Path, column: "pd.Series[Any]", names: Mapping[str, str]) -> Texts:
    """A column's codes by name, shape ``[N]``.

    Raises:
        DataError: a code without a name, or a missing one.
    """
    codes = as_text(column)
    values: Texts = pd.Series(codes).map(names).to_numpy(dtype=object)
    unknown = pd.isna(values)
    if unknown.any():
        row = int(unknown.argmax())
        raise DataError(
            f"{file} holds '{codes[row] or ''}' in the column '{column.name}' of row {row + 1}; "
            f"accepted: {', '.join(names)}."
        )
    return values


def decoded(file: Path, frame: pd.DataFrame, codes: Mapping[str, str]) -> Texts:
    """The value whose column holds the 1, shape ``[N]``.

    Args:
        file: for the sentence.
        frame: the rows.
        codes: the columns, each with the value that it stands for.

    Raises:
        DataError: a row without exactly one 1 among zeros.
    """
    ones = frame[list(codes)].to_numpy()
    odd = ~np.isin(ones, (0, 1)).all(axis=1) | ((ones == 1).sum(axis=1) != 1)
    if odd.any():
        raise DataError(
            f"{file} has no single 1 among zeros in {', '.join(codes)} of row "
            f"{int(odd.argmax()) + 1}; correct that row."
        )
    values: Texts = np.array(list(codes.values()), dtype=object)[(ones == 1).argmax(axis=1)]
    return values
