"""Published tables: from fetched files, or the user's own copies, to a data set."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Required, TypedDict, Unpack

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairkd.data.assembly import assemble
from fairkd.data.dataset import Dataset
from fairkd.data.fetch import default_cache, fetch_files, fingerprint
from fairkd.data.group_spec import block_names
from fairkd.data.sources import WheelSource
from fairkd.data.table import RawTable
from fairkd.errors import ConfigError, unknown_name


class Rows(NamedTuple):
    """What a table's files hold.

    Attributes:
        frame: the kept columns, the label among them.
        official_test: true for the rows of an official test part, shape ``[N]``; None without one.
    """

    frame: pd.DataFrame
    official_test: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Published:
    """A published table.

    Attributes:
        source: where its files come from.
        read: the rows of a folder with those files.
        label: the label's column.
        classes: the label's values, in order; with two classes the second is the positive one.
        never: kept columns that are never features: they name rows, or repeat the label.
        told_by: for a group column, the columns that tell its value: no features either where it
            is in a block, unless groups are features.
    """

    source: WheelSource
    read: Callable[[Path], Rows]
    label: str
    classes: tuple[str, ...]
    never: tuple[str, ...] = ()
    told_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Common(TypedDict, total=False):
    """What the loader of every published table takes, beside what has a default of its own.

    Attributes:
        seed: decides the split.
        validation_fraction: of the rows that are not test rows.
        certify_fraction: of the rows that are not test rows: rows that certify bounds.
        use_groups_as_features: keep the blocks' columns among the features.
        imperfect: what is planted, or known to be wrong, see `Imperfect`.
        split: how rows are divided, see `Splitting`.
        path: a folder with the user's own files, used as they are.
        cache: where fetched files are kept; by default see `default_cache`.
    """

    seed: Required[int]
    validation_fraction: float
    certify_fraction: float | None
    use_groups_as_features: bool
    imperfect: Mapping[str, Any] | None
    split: Mapping[str, Any] | None
    path: str | Path | None
    cache: str | Path | None


DEFAULTS: Mapping[str, Any] = {
    "validation_fraction": 0.25,
    "certify_fraction": None,
    "use_groups_as_features": False,
    "imperfect": None,
    "split": None,
    "path": None,
    "cache": None,
}
"""Of `Common`, but for the seed."""


def load_published(
    table: Published,
    *,
    name: str,
    groups: Sequence[str],
    test_fraction: float | None,
    drop: Sequence[str],
    rare_groups: Mapping[str, Any] | None,
    **common: Unpack[Common],
) -> Dataset:
    """Load a published table, fetching its files at first use.

    Args:
        table: which one.
        name: the name the data set goes by.
        groups: the group blocks, of any kept columns but the label, and intersections ``a+b``.
        test_fraction: of all rows; None where there is an official test part.
        drop: kept columns that are no features.
        rare_groups: ``rule`` and ``limit``, see `RareGroups`; None keeps every cell.
        common: see `Common`.

    Raises:
        DataError: the files are not available or not in the table's form, or see `assemble`.
        ConfigError: a value that cannot work.
    """
    given = {**DEFAULTS, **common}
    path, cache = given.pop("path"), given.pop("cache")
    if path is not None:
        folder, origin = Path(path), f"The folder {path} named in data.path"
    else:
        kept = Path(cache) if cache is not None else default_cache()
        folder = fetch_files(table.source, kept)
        origin = f"The cache folder {folder}"
    rows = table.read(folder)
    telling = () if given["use_groups_as_features"] else _telling(table, groups)
    raw = RawTable(
        name=name,
        frame=rows.frame,
        label=table.label,
        classes=table.classes,
        features=features_of(rows.frame, (table.label, *table.never, *telling), drop),
        origin=origin,
        fingerprint=fingerprint([folder / file for file in table.source.files]),
        official_test=rows.official_test,
    )
    return assemble(
        raw, groups=groups, test_fraction=test_fraction, rare_groups=rare_groups, **given
    )


def _telling(table: Published, groups: Sequence[str]) -> tuple[str, ...]:
    """The columns that tell the value of a column that one of the blocks is made of."""
    columns = {column for block in block_names(groups) for column in (block, *block.split("+"))}
    return tuple(name for column in sorted(columns) for name in table.told_by.get(column, ()))


def features_of(frame: pd.DataFrame, never: Sequence[str], drop: Sequence[str]) -> tuple[str, ...]:
    """The columns that a model may see.

    Args:
        frame: the rows.
        never: columns that are no features whatever is configured, the label among them.
        drop: those of ``data.drop``.

    Raises:
        ConfigError: a column of ``drop`` is not there.
    """
    columns = [str(column) for column in frame.columns]
    for column in drop:
        if column not in columns:
            raise ConfigError(unknown_name("column in data.drop", column, columns))
    return tuple(column for column in columns if column not in {*never, *drop})
