"""A raw table with the names that give its columns meaning, and the checks before it is used."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairkd.data.group_spec import columns_of
from fairkd.data.values import as_codes, is_number
from fairkd.errors import ConfigError, DataError, unknown_name

MOST_GROUP_VALUES = 20


@dataclass(frozen=True, eq=False)
class RawTable:
    """A source's rows as they are, before splitting and preparation.

    Attributes:
        name: the catalogue's name.
        frame: all raw columns; a missing value is NaN.
        label: the label's column.
        classes: the label's values, in order; with two classes the second is the positive one.
        features: the columns a model may see (group columns among them are taken out later).
        origin: where the rows came from, in words, for sentences to the user.
        fingerprint: sha256 over the source files' content, in hexadecimal.
        official_test: true for the rows of an official test part, shape ``[N]``; None without one.
        weights: the column of row weights, which is no feature; None where rows weigh alike.
        soft: the columns of label probabilities, which are no features: one for each class in
            their order, or one alone for the positive of two. Training rows learn them. The other
            rows have the label column's class; where the frame has no such column, the likeliest.
    """

    name: str
    frame: pd.DataFrame
    label: str
    classes: tuple[str, ...]
    features: tuple[str, ...]
    origin: str
    fingerprint: str
    official_test: npt.NDArray[np.bool_] | None = None
    weights: str | None = None
    soft: tuple[str, ...] = ()


def check_table(table: RawTable, groups: Sequence[str]) -> None:
    """Refuse a table that cannot be learned from, or whose groups cannot be compared.

    Args:
        table: the raw rows.
        groups: the blocks asked for: columns, and intersections ``a+b``.

    Raises:
        DataError: no rows, a missing column, or labels that are missing, unknown or all alike.
        ConfigError: a group column that is not there, is the label, or is too finely valued.
    """
    columns = [str(name) for name in table.frame.columns]
    if table.frame.empty:
        raise DataError(f"{table.origin} has no rows; data={table.name} needs some.")
    for name in (table.label, *table.features):
        if name not in columns:
            raise DataError(
                f"{table.origin} has no column '{name}', which data={table.name} needs; "
                f"it has: {', '.join(columns)}."
            )
    _check_label(table)
    for block in groups:
        for name in group_columns(block, table.label, columns):
            _check_group_column(table, name)


def group_columns(block: str, label: str, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns a group block is made of, among those of a table.

    Raises:
        ConfigError: one is not there, is named twice, or is the label.
    """
    if label in (block, *block.split("+")):
        raise ConfigError(f"'{label}' in data.groups is the label itself; name another column.")
    return columns_of(block, [name for name in columns if name != label])


def check_roles(table: RawTable, split_column: str | None) -> None:
    """Refuse columns of another purpose than features that are not there, or are the label.

    Args:
        table: the raw rows.
        split_column: what rows are divided by, if it is a column.

    Raises:
        ConfigError: naming the key.
    """
    columns = [str(name) for name in table.frame.columns]
    roles = {
        "data.split.column": () if split_column is None else (split_column,),
        "data.weights": () if table.weights is None else (table.weights,),
        "data.soft_labels": table.soft,
    }
    for key, names in roles.items():
        for name in names:
            if name == table.label:
                raise ConfigError(f"{key}={name} is the label itself; name another column.")
            if name not in columns:
                raise ConfigError(unknown_name(f"column in {key}", name, columns))


def _check_label(table: RawTable) -> None:
    codes, labels = as_codes(table.frame[table.label])
    missing = int((codes < 0).sum())
    if missing:
        raise DataError(
            f"{table.origin} has {missing} rows without a value in the label column "
            f"'{table.label}'; remove those rows."
        )
    found = sorted(labels)
    unknown = [label for label in found if label not in table.classes]
    if unknown:
        raise DataError(
            f"{table.origin} has the value '{unknown[0]}' in the label column '{table.label}'; "
            f"accepted: {', '.join(table.classes)}."
        )
    if len(found) < 2:
        raise DataError(
            f"{table.origin} has only the class '{found[0]}' in the label column '{table.label}'; "
            "at least two classes are needed."
        )


def _check_group_column(table: RawTable, name: str) -> None:
    column = table.frame[name]
    distinct = column.nunique()
    if is_number(column) and distinct > MOST_GROUP_VALUES:
        raise ConfigError(
            f"'{name}' in data.groups is a number with {distinct} distinct values; at most "
            f"{MOST_GROUP_VALUES} can be groups: bin it into a column of ranges first."
        )
    labels = table.frame[table.label]
    pairs = len(table.frame[[name, table.label]].dropna().drop_duplicates())
    if pairs == distinct == labels.nunique():
        raise ConfigError(
            f"'{name}' in data.groups determines the label '{table.label}' one to one, so its "
            "groups are the classes; name another column."
        )
