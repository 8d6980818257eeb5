"""German credit: is an applicant of a German bank, 1973 to 1975, a good credit risk."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import pandas as pd

from fairkd.data.dataset import Dataset
from fairkd.data.published import Common, Published, Rows, load_published
from fairkd.data.published_csv import check_numbers, read_headerless, renamed
from fairkd.data.sources import GERMAN

COLUMNS = (
    "status", "duration", "credit_history", "purpose", "credit_amount", "savings",
    "employment_since", "installment_rate", "personal_status", "other_debtors", "residence_since",
    "property", "age", "other_installment_plans", "housing", "existing_credits", "job",
    "liable_people", "telephone", "foreign_worker", "credit",
)  # fmt: skip
"""Of the file, which has no header, in its order."""
NUMBERS = (
    "duration", "credit_amount", "installment_rate", "residence_since", "age", "existing_credits",
    "liable_people",
)  # fmt: skip
LABEL = "credit"
RISK = {"1": "good", "2": "bad"}
SEX = {"A91": "male", "A92": "female", "A93": "male", "A94": "male", "A95": "female"}
"""What the source's description says of each marital status. It is wrong at least of A92, which
single men share (Grömping, "South German credit data: correcting a widely used data set", 2019)."""
YOUNG, OLD = "25 or younger", "over 25"
"""Cut as by Kamiran and Calders, "Classifying without discriminating", 2009."""
(FILE,) = GERMAN.files


def load_german(
    *,
    groups: Sequence[str] = ("sex", "age_group"),
    test_fraction: float = 0.25,
    drop: Sequence[str] = ("age",),
    rare_groups: Mapping[str, Any] | None = None,
    name: str = "german",
    **common: Unpack[Common],
) -> Dataset:
    """Load the Statlog German credit table; see `load_published`.

    The positive class is ``good``. Categories keep the source's codes (``A11``). The marital status
    is read for the sex and left out: each of its values names one.

    Args:
        groups: the group blocks, of any kept columns but the label (``sex``, ``age_group``,
            ``foreign_worker``, ``sex+age_group``).
        test_fraction: of all rows.
        drop: kept columns that are no features.
        rare_groups: ``rule`` and ``limit``, see `RareGroups`.
        name: the name the data set goes by.
        common: see `Common`.
    """
    return load_published(
        Published(
            source=GERMAN,
            read=_read,
            label=LABEL,
            classes=("bad", "good"),
            told_by={"age_group": ("age",)},
        ),
        name=name,
        groups=groups,
        test_fraction=test_fraction,
        drop=drop,
        rare_groups=rare_groups,
        **common,
    )


def _read(folder: Path) -> Rows:
    file = folder / FILE
    frame = read_headerless(GERMAN, folder, FILE, "the German credit table", COLUMNS, sep=" ")
    check_numbers(file, frame, NUMBERS)
    sex = renamed(file, frame["personal_status"], SEX)
    age = pd.cut(frame["age"], [float("-inf"), 25, float("inf")], labels=[YOUNG, OLD])
    frame[LABEL] = renamed(file, frame[LABEL], RISK)
    others = frame.drop(columns=["personal_status", LABEL])
    return Rows(others.assign(sex=sex, age_group=age.astype(object), credit=frame[LABEL]))
