"""Heritage Health: has a member of a health plan a condition that the Charlson index counts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Unpack

import pandas as pd

from fairkd.data.dataset import Dataset
from fairkd.data.published import Common, Published, Rows, load_published
from fairkd.data.published_csv import check_numbers, decoded, read_csv, renamed
from fairkd.data.sources import HERITAGE

NUMBERS = (
    "ClaimsTruncated",
    *(f"no_{kind}" for kind in (
        "Claims", "Providers", "Vendors", "PCPs", "PlaceSvcs", "Specialities",
        "PrimaryConditionGroups", "ProcedureGroups",
    )),
    *(f"PayDelay_{of}" for of in ("max", "min", "ave", "stdev")),
    *(f"LOS_{of}" for of in (
        "max", "min", "ave", "stdev", "TOT_UNKNOWN", "TOT_SUPRESSED", "TOT_KNOWN",
    )),
    *(f"dsfs_{of}" for of in ("max", "min", "range", "ave", "stdev")),
    *(f"pcg{group}" for group in range(1, 47)),
    *(f"sp{speciality}" for speciality in range(1, 14)),
    *(f"pg{group}" for group in range(1, 19)),
    *(f"ps{place}" for place in range(1, 10)),
    *(f"drugCount_{of}" for of in ("max", "min", "ave")), "drugcount_months",
    *(f"labCount_{of}" for of in ("max", "min", "ave")), "labcount_months",
    "labNull",
    "drugNull",
)  # fmt: skip
"""Counts of one year's claims by member: providers, delays of payment, lengths of stay, days since
the first service, conditions, specialities, procedures, places, drugs and laboratory tests."""
AGES = {
    "age_05": "0-9", "age_15": "10-19", "age_25": "20-29", "age_35": "30-39", "age_45": "40-49",
    "age_55": "50-59", "age_65": "60-69", "age_75": "70-79", "age_85": "80+",
}  # fmt: skip
SEXES = {"sexMALE": "male", "sexFEMALE": "female"}
OLDER = {code: "60+" if code in ("age_65", "age_75", "age_85") else "under 60" for code in AGES}
"""Two cells, as in most studies, which cut at 65, the middle of one of the source's ranges."""
MEMBER = "member"
LABEL = "condition"
CONDITION = {"0": "no", "1": "yes"}
SPLIT: Mapping[str, Any] = MappingProxyType({"by": "entity", "column": MEMBER})
"""A member has a row for each of up to three years: all are in one split."""
(FILE,) = HERITAGE.files

_MEMBER, _LABEL = "MemberID_t", "Charlson>0"


def load_heritage(
    *,
    groups: Sequence[str] = ("sex", "age"),
    test_fraction: float = 0.25,
    drop: Sequence[str] = ("older",),
    rare_groups: Mapping[str, Any] | None = None,
    name: str = "heritage",
    **common: Unpack[Common],
) -> Dataset:
    """Load the Heritage Health table by member and year; see `load_published`.

    The positive class is ``yes``: the largest Charlson index among the year's claims is above 0
    (as Madras, Creager, Pitassi and Zemel, "Learning adversarially fair and transferable
    representations", ICML 2018). Everything else of that index is left out. Rows are divided by
    `SPLIT` unless ``split`` says otherwise.

    Args:
        groups: the group blocks: ``sex``, ``age``, ``older``, ``sex+older``.
        test_fraction: of all members.
        drop: kept columns that are no features.
        rare_groups: ``rule`` and ``limit``, see `RareGroups`.
        name: the name the data set goes by.
        common: see `Common`.
    """
    common.setdefault("split", SPLIT)
    return load_published(
        Published(
            HERITAGE,
            _read,
            label=LABEL,
            classes=("no", "yes"),
            never=(MEMBER,),
            told_by={"older": ("age",), "age": ("older",)},
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
    needed = [_MEMBER, *NUMBERS, *SEXES, *AGES, _LABEL]
    frame = read_csv(
        HERITAGE, folder, FILE, "the Heritage Health table", needed, usecols=lambda n: n in needed
    )
    check_numbers(file, frame, NUMBERS)
    columns: dict[str, Any] = {MEMBER: frame[_MEMBER]} | {name: frame[name] for name in NUMBERS}
    columns["sex"] = decoded(file, frame, SEXES)
    columns["age"] = decoded(file, frame, AGES)
    columns["older"] = decoded(file, frame, OLDER)
    columns[LABEL] = renamed(file, frame[_LABEL], CONDITION)
    return Rows(pd.DataFrame(columns))
