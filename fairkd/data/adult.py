"""UCI Adult: does a person's income exceed 50,000 dollars (United States census, 1994)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fairkd.data.assembly import assemble
from fairkd.data.dataset import Dataset
from fairkd.data.fetch import ADULT, default_cache, fetch_files, fingerprint
from fairkd.data.table import RawTable
from fairkd.errors import ConfigError, DataError, unknown_name

NUMBERS = ("age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week")
COLUMNS = (
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education-num",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital-gain",
    "capital-loss",
    "hours-per-week",
    "native-country",
    "income",
)
LABEL = "income"
CLASSES = ("<=50K", ">50K")
TRAIN_FILE, TEST_FILE = ADULT.files


def load_adult(
    *,
    groups: Sequence[str],
    seed: int,
    validation_fraction: float = 0.25,
    test_fraction: float | None = None,
    certify_fraction: float | None = None,
    official_test: bool = True,
    drop: Sequence[str] = ("fnlwgt", "education"),
    use_groups_as_features: bool = False,
    rare_groups: Mapping[str, Any] | None = None,
    imperfect: Mapping[str, Any] | None = None,
    path: str | Path | None = None,
    cache: str | Path | None = None,
    name: str = "adult",
) -> Dataset:
    """Load Adult, fetching it at first use.

    Args:
        groups: the group blocks, of any columns but the label (``sex``, ``race``, ``sex+race``).
        seed: decides the split.
        validation_fraction: of the rows that are not test rows.
        test_fraction: of all rows, when the official test part is not used.
        certify_fraction: of the rows that are not test rows: rows that certify bounds.
        official_test: test on the official test part; otherwise both parts are pooled and split.
        drop: columns that are no features.
        use_groups_as_features: keep the blocks' columns among the features.
        rare_groups: ``rule`` and ``limit``, see `RareGroups`.
        imperfect: what is planted, or known to be wrong, see `Imperfect`.
        path: a folder with the user's own ``adult.data`` and ``adult.test``, used as they are.
        cache: where fetched data is kept; by default see `default_cache`.
        name: the name the data set goes by.

    Raises:
        DataError: the files are not available or not in Adult's form.
        ConfigError: a value that cannot work.
    """
    for column in drop:
        if column not in COLUMNS:
            raise ConfigError(unknown_name("column in data.drop", column, COLUMNS))
    if path is not None:
        folder, origin = Path(path), f"The folder {path} named in data.path"
    else:
        folder = fetch_files(ADULT, Path(cache) if cache is not None else default_cache())
        origin = f"The cache folder {folder}"
    train = _read(folder / TRAIN_FILE)
    test = _read(folder / TEST_FILE)
    table = RawTable(
        name=name,
        frame=pd.concat([train, test], ignore_index=True),
        label=LABEL,
        classes=CLASSES,
        features=tuple(c for c in COLUMNS if c != LABEL and c not in drop),
        origin=origin,
        fingerprint=fingerprint([folder / TRAIN_FILE, folder / TEST_FILE]),
        official_test=np.arange(len(train) + len(test)) >= len(train) if official_test else None,
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
    )


def _read(file: Path) -> pd.DataFrame:
    """One part in UCI's form: no header, ``?`` for missing, a dot after the test part's labels."""
    try:
        frame = pd.read_csv(
            file,
            header=None,
            skipinitialspace=True,
            na_values=["?"],
            keep_default_na=False,
            comment="|",  # the test part's first line
        )
    except FileNotFoundError as error:
        raise DataError(
            f"There is no file {file}; data.path for data=adult is a folder that holds "
            f"{TRAIN_FILE} and {TEST_FILE}."
        ) from error
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise DataError(f"{file} cannot be read as Adult's table ({error}).") from error
    if frame.shape[1] != len(COLUMNS):
        raise DataError(
            f"{file} has {frame.shape[1]} columns, Adult's table has {len(COLUMNS)} and no header "
            f"line; name a folder with UCI's {TRAIN_FILE} and {TEST_FILE} in data.path."
        )
    frame.columns = pd.Index(COLUMNS)
    for name in NUMBERS:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            raise DataError(
                f"{file} holds something other than numbers in column {COLUMNS.index(name) + 1}, "
                f"'{name}'; remove a header line if there is one, and write ? for a missing number."
            )
    frame[LABEL] = frame[LABEL].astype("str").str.removesuffix(".")
    return frame
