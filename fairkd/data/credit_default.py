"""Credit default: does a credit card holder in Taiwan, 2005, default on the next payment."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Unpack

import pandas as pd

from fairkd.data.dataset import Dataset
from fairkd.data.published import Common, Published, Rows, load_published
from fairkd.data.published_csv import check_numbers, decoded, read_csv, renamed
from fairkd.data.sources import CREDIT_DEFAULT

NUMBERS = (
    "LIMIT_BAL",
    "AGE",
    "PAY_0",  # the source has no PAY_1
    *(f"PAY_{month}" for month in range(2, 7)),
    *(f"BILL_AMT{month}" for month in range(1, 7)),
    *(f"PAY_AMT{month}" for month in range(1, 7)),
)
"""The limit, the age, and of six months back from September: repayment status, bill, payment."""
CODED: Mapping[str, Mapping[str, str]] = {
    "education": {
        "EDUCATION_1": "graduate school",
        "EDUCATION_2": "university",
        "EDUCATION_3": "high school",
        "EDUCATION_4": "other",
        **{f"EDUCATION_{code}": "unknown" for code in (0, 5, 6)},
    },
    "marriage": {
        "MARRIAGE_1": "married",
        "MARRIAGE_2": "single",
        "MARRIAGE_3": "other",
        "MARRIAGE_0": "unknown",
    },
}
"""Each decoded column, and which value each column of the file stands for. The source describes
no education 0, 5 and 6, and no marriage 0."""
SEX = {"0": "male", "1": "female"}
LABEL = "default"
DEFAULT = {"0": "no", "1": "yes"}
RARE_GROUPS: Mapping[str, Any] = MappingProxyType({"rule": "merge_below_fraction", "limit": 0.02})
"""Education "other" (0.4% of the rows) and "unknown" (1.2%) are one cell."""
(FILE,) = CREDIT_DEFAULT.files

_SEX, _LABEL = "SEX", "default-payment-next-month"


def load_credit_default(
    *,
    groups: Sequence[str] = ("sex", "education"),
    test_fraction: float = 0.25,
    drop: Sequence[str] = (),
    rare_groups: Mapping[str, Any] | None = RARE_GROUPS,
    name: str = "credit_default",
    **common: Unpack[Common],
) -> Dataset:
    """Load Yeh and Lien's table of credit card holders; see `load_published`.

    The positive class is ``yes``, a default: to be selected does harm here.

    Args:
        groups: the group blocks, of any kept columns but the label (``sex``, ``education``,
            ``marriage``, ``sex+education``).
        test_fraction: of all rows.
        drop: kept columns that are no features.
        rare_groups: ``rule`` and ``limit``, see `RareGroups`; None keeps every cell.
        name: the name the data set goes by.
        common: see `Common`.
    """
    return load_published(
        Published(source=CREDIT_DEFAULT, read=_read, label=LABEL, classes=("no", "yes")),
        name=name,
        groups=groups,
        test_fraction=test_fraction,
        drop=drop,
        rare_groups=rare_groups,
        **common,
    )


def _read(folder: Path) -> Rows:
    file = folder / FILE
    needed = [*NUMBERS, _SEX, _LABEL, *(name for codes in CODED.values() for name in codes)]
    frame = read_csv(CREDIT_DEFAULT, folder, FILE, "the table of credit card holders", needed)
    check_numbers(file, frame, NUMBERS)
    columns: dict[str, Any] = {name: frame[name] for name in NUMBERS}
    columns["sex"] = renamed(file, frame[_SEX], SEX)
    columns |= {column: decoded(file, frame, codes) for column, codes in CODED.items()}
    columns[LABEL] = renamed(file, frame[_LABEL], DEFAULT)
    return Rows(pd.DataFrame(columns))
