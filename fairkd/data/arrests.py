"""Toronto arrests: was a person arrested for possession of marijuana released with a summons."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fairkd.data.assembly import assemble
from fairkd.data.dataset import Dataset
from fairkd.data.fetch import fingerprint
from fairkd.data.table import RawTable
from fairkd.errors import DataError

LABEL = "released"
CLASSES = ("No", "Yes")


def load_arrests(
    *,
    groups: Sequence[str] = ("colour", "sex"),
    seed: int,
    validation_fraction: float = 0.25,
    test_fraction: float = 0.25,
    certify_fraction: float | None = None,
    use_groups_as_features: bool = False,
    rare_groups: Mapping[str, Any] | None = None,
    imperfect: Mapping[str, Any] | None = None,
    split: Mapping[str, Any] | None = None,
    name: str = "arrests",
) -> Dataset:
    """Load the table that scikit-lego ships: 5,226 arrests, 1997 to 2002.

    Args:
        groups: the group blocks, of ``colour``, ``sex``, ``citizen``, ``employed``, ``year``,
            ``checks`` and their intersections.
        seed: decides the split.
        validation_fraction: of the rows that are not test rows.
        test_fraction: of all rows.
        certify_fraction: of the rows that are not test rows: rows that certify bounds.
        use_groups_as_features: keep the blocks' columns among the features.
        rare_groups: ``rule`` and ``limit``, see `RareGroups`.
        imperfect: what is planted, or known to be wrong, see `Imperfect`.
        split: how rows are divided, see `Splitting`.
        name: the name the data set goes by.

    Raises:
        DataError: scikit-lego is not installed, or a block or split that the data cannot give.
        ConfigError: a value that cannot work.
    """
    file = _shipped_file()
    frame = pd.read_csv(file)
    table = RawTable(
        name=name,
        frame=frame,
        label=LABEL,
        classes=CLASSES,
        features=tuple(column for column in frame.columns if column != LABEL),
        origin=f"The arrests table {file}",
        fingerprint=fingerprint([file]),
    )
    return assemble(
        table,
        groups=groups,
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        certify_fraction=certify_fraction,
        use_groups_as_features=use_groups_as_features,
        rare_groups=rare_groups,
        imperfect=imperfect,
        split=split,
    )


def _shipped_file() -> Path:
    """The archive inside the installed package, found without importing it."""
    package = importlib.util.find_spec("sklego")
    for folder in (package.submodule_search_locations or ()) if package else ():
        file = Path(folder) / "data" / "arrests.zip"
        if file.is_file():
            return file
    raise DataError(
        "data=arrests comes with the package scikit-lego, which is not installed completely; "
        "run `python -m pip install scikit-lego`."
    )
