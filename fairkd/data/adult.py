"""UCI Adult: does a person's income exceed 50,000 dollars (United States census, 1994)."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import pandas as pd

from fairkd.data.dataset import Dataset
from fairkd.data.published import Common, Published, Rows, load_published
from fairkd.data.published_csv import check_numbers, read_headerless
from fairkd.data.sources import ADULT

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
TRAIN_FILE, TEST_FILE = ADULT.files


def load_adult(
    *,
    groups: Sequence[str],
    test_fraction: float | None = None,
    official_test: bool = True,
    drop: Sequence[str] = ("fnlwgt", "education"),
    rare_groups: Mapping[str, Any] | None = None,
    name: str = "adult",
    **common: Unpack[Common],
) -> Dataset:
    """Load Adult; see `load_published`.

    Args:
        groups: the group blocks, of any columns but the label (``sex``, ``race``, ``sex+race``).
        test_fraction: of all rows, when the official test part is not used.
        official_test: test on the official test part; otherwise both parts are pooled and split.
        drop: columns that are no features.
        rare_groups: ``rule`` and ``limit``, see `RareGroups`.
        name: the name the data set goes by.
        common: see `Common`.
    """
    table = Published(
        source=ADULT,
        read=partial(_read, official_test=official_test),
        label=LABEL,
        classes=("<=50K", ">50K"),
    )
    return load_published(
        table,
        name=name,
        groups=groups,
        test_fraction=test_fraction,
        drop=drop,
        rare_groups=rare_groups,
        **common,
    )


def _read(folder: Path, *, official_test: bool) -> Rows:
    train, test = (_part(folder, name) for name in (TRAIN_FILE, TEST_FILE))
    frame = pd.concat([train, test], ignore_index=True)
    return Rows(frame, np.arange(len(frame)) >= len(train) if official_test else None)


def _part(folder: Path, name: str) -> pd.DataFrame:
    """One part in UCI's form: no header, ``?`` for missing, a dot after the test part's labels."""
    frame = read_headerless(
        ADULT,
        folder,
        name,
        "Adult's table",
        COLUMNS,
        skipinitialspace=True,
        na_values=["?"],
        keep_default_na=False,
        comment="|",  # the test part's first line
    )
    check_numbers(
        folder / name,
        frame,
        NUMBERS,
        "remove a header line if there is one, and write ? for a missing number",
    )
    frame[LABEL] = frame[LABEL].astype("str").str.removesuffix(".")
    return frame
