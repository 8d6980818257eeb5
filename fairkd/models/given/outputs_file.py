"""A file of outputs as columns: a table, or an array of NumPy."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from fairkd.data.table_file import read_table
from fairkd.errors import ConfigError, first_line

_ARRAYS = (".npy", ".npz")
_NAMELESS = ("", "arr_0")
"""What NumPy calls an array that was given no name."""
_INDEX = "__index_level_"
"""What begins the name under which pandas writes a frame's index into Parquet."""


class OutputsFile(NamedTuple):
    """Outputs as a file has them.

    Attributes:
        table: a row each; an array's columns are called 0, 1, ...
        named: whether the columns have names of their own.
        mixed: whether an index that pandas wrote counts the rows, in another order than theirs.
    """

    table: pd.DataFrame
    named: bool
    mixed: bool


def read_outputs(path: str) -> OutputsFile:
    """Read a file's columns.

    Args:
        path: a table (see `read_table`) with a line of names, ``.npy``, or ``.npz`` with one array,
            or with arrays of one dimension, one a column.

    Raises:
        ConfigError: the file is none of these or cannot be read.
        DataError: see `read_table`.
    """
    file = Path(path).expanduser()
    table = _arrays(file) if file.suffix in _ARRAYS else read_table(path, key="teacher").frame
    if any(_is_fraction(str(name)) for name in table.columns):
        raise ConfigError(
            f"{path} begins with the line {', '.join(map(str, table.columns))}, which holds "
            "numbers and no names; give it a line of names."
        )
    named = not isinstance(table.columns, pd.RangeIndex)
    table.columns = pd.Index(list(map(str, table.columns)))
    index = [name for name in table if str(name).startswith(_INDEX)]
    mixed = any(_counts(table[name].to_numpy()) for name in index)
    table = table.drop(columns=index)
    if table.empty:
        raise ConfigError(f"{path} has no rows; every row of the data needs its outputs.")
    return OutputsFile(table, named, mixed)


def _arrays(file: Path) -> pd.DataFrame:
    try:
        found = np.load(file, allow_pickle=False)
        arrays: Mapping[str, Any] = {"": found} if file.suffix == ".npy" else dict(found)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        problem = first_line(error)
        raise ConfigError(f"{file} cannot be read ({problem}); give another file.") from error
    name, only = next(iter(arrays.items())) if len(arrays) == 1 else ("", None)
    if only is not None and (only.ndim == 2 or (only.ndim == 1 and name in _NAMELESS)):
        return pd.DataFrame(only)
    lengths = {array.shape for array in arrays.values()}
    if len(lengths) == 1 and len(next(iter(lengths))) == 1:
        return pd.DataFrame(dict(arrays))
    shapes = ", ".join(f"{name or 'one'} of shape {list(a.shape)}" for name, a in arrays.items())
    raise ConfigError(
        f"{file} holds arrays that are no outputs ({shapes}); accepted: one of rows, or of rows by "
        "class, or columns of equal length by name."
    )


def _counts(index: "np.ndarray[Any, Any]") -> bool:
    """Whether an index has every place from 0, in an order of its own."""
    places = np.arange(len(index))
    return not np.array_equal(index, places) and np.array_equal(np.sort(index), places)


def _is_fraction(name: str) -> bool:
    try:
        return not float(name).is_integer()
    except ValueError:
        return False
