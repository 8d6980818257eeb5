"""A file of outputs as a table: CSV, Parquet, or an array of NumPy."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fairkd.errors import ConfigError


def read_outputs(path: str) -> pd.DataFrame:
    """Read a file's columns; those of an array are called 0, 1, ...

    Args:
        path: ``.csv`` (also compressed) with a line of names, ``.parquet``, ``.npy``, or ``.npz``
            with one array, or with arrays of one dimension, one a column.

    Raises:
        ConfigError: the file is none of these or cannot be read.
    """
    file = Path(path).expanduser()
    read = _reader(file.name.lower())
    if read is None:
        raise ConfigError(
            f"{path} is of no kind that holds outputs; accepted: {', '.join(_READERS)}, and .csv "
            "compressed (.csv.gz)."
        )
    try:
        table = read(file)
    except (OSError, ValueError, EOFError, ImportError, zipfile.BadZipFile) as error:
        problem = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
        raise ConfigError(f"{path} cannot be read ({problem}); give another file.") from error
    table.columns = pd.Index([str(name).strip() for name in table.columns])
    if table.columns.has_duplicates:
        again = table.columns[table.columns.duplicated()][0]
        raise ConfigError(f"{path} has two columns called '{again}'; give each a name of its own.")
    if table.empty:
        raise ConfigError(f"{path} has no rows; every row of the data needs its outputs.")
    return table


def _reader(name: str) -> Callable[[Path], pd.DataFrame] | None:
    for ending, read in _READERS.items():
        if name.endswith(ending) or (ending == ".csv" and ".csv." in name):
            return read
    return None


def _csv(file: Path) -> pd.DataFrame:
    table = pd.read_csv(file, skipinitialspace=True, encoding="utf-8-sig")
    if all(_is_number(name) for name in table.columns) and len(table.columns) > 0:
        first = [float(name) for name in table.columns]
        if any(not value.is_integer() for value in first):
            raise ValueError("its first line holds numbers and no names of columns")
    return table


def _npy(file: Path) -> pd.DataFrame:
    return _of_array(np.load(file, allow_pickle=False))


def _npz(file: Path) -> pd.DataFrame:
    with np.load(file, allow_pickle=False) as found:
        arrays: Mapping[str, Any] = {name: found[name] for name in found.files}
    if len(arrays) == 1:
        return _of_array(next(iter(arrays.values())))
    if any(array.ndim != 1 for array in arrays.values()):
        raise ValueError(f"it has the arrays {', '.join(arrays)}; accepted: one, or columns alone")
    return pd.DataFrame(arrays)


def _of_array(array: Any) -> pd.DataFrame:
    if array.ndim not in (1, 2):
        raise ValueError(f"its array has {array.ndim} dimensions; accepted: rows, or rows by class")
    return pd.DataFrame(array)


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


_READERS: Mapping[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": _csv,
    ".parquet": pd.read_parquet,
    ".npy": _npy,
    ".npz": _npz,
}
