"""Law school: does a law student of the United States pass the bar exam at the first attempt."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import pandas as pd

from fairkd.data.dataset import Dataset
from fairkd.data.published import Common, Published, Rows, load_published
from fairkd.data.published_csv import check_numbers, decoded, read_csv
from fairkd.data.sources import LAW_SCHOOL

NUMBERS = ("LSAT", "UGPA", "ZFYA")
LABEL = "bar_exam"
CODED: Mapping[str, Mapping[str, str]] = {
    "race": {
        f"Race_{race}": race
        for race in (
            "Amerindian", "Asian", "Black", "Hispanic", "Mexican", "Other", "Puertorican", "White",
        )
    },
    "sex": {"Sex_1": "female", "Sex_2": "male"},
    LABEL: {"PF_0": "fail", "PF_1": "pass"},
}  # fmt: skip
"""Each decoded column, and which value each column of the file stands for."""
(FILE,) = LAW_SCHOOL.files


def load_law_school(
    *,
    groups: Sequence[str] = ("race", "sex"),
    test_fraction: float = 0.25,
    drop: Sequence[str] = (),
    rare_groups: Mapping[str, Any] | None = None,
    name: str = "law_school",
    **common: Unpack[Common],
) -> Dataset:
    """Load the survey of the Law School Admission Council; see `load_published`.

    The rows are those of Kusner, Loftus, Russell and Silva, "Counterfactual fairness", NeurIPS
    2017 (Wightman's longitudinal bar passage study, 1998). The positive class is ``pass``.

    Args:
        groups: the group blocks: ``race``, ``sex``, ``race+sex``.
        test_fraction: of all rows.
        drop: columns that are no features.
        rare_groups: ``rule`` and ``limit``, see `RareGroups`.
        name: the name the data set goes by.
        common: see `Common`.
    """
    return load_published(
        Published(source=LAW_SCHOOL, read=_read, label=LABEL, classes=("fail", "pass")),
        name=name,
        groups=groups,
        test_fraction=test_fraction,
        drop=drop,
        rare_groups=rare_groups,
        **common,
    )


def _read(folder: Path) -> Rows:
    """The numbers as they are, and one column for each coded one."""
    needed = [*NUMBERS, *(name for codes in CODED.values() for name in codes)]
    frame = read_csv(LAW_SCHOOL, folder, FILE, "the law school table", needed)
    check_numbers(folder / FILE, frame, NUMBERS)
    columns = {column: decoded(folder / FILE, frame, codes) for column, codes in CODED.items()}
    return Rows(pd.DataFrame({name: frame[name] for name in NUMBERS} | columns))
