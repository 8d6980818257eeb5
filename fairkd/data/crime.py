"""Communities and crime: is there much violent crime in a community of the United States, 1995."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import pandas as pd

from fairkd.data.dataset import Dataset
from fairkd.data.published import Common, Published, Rows, load_published
from fairkd.data.published_csv import check_numbers, decoded, read_csv, renamed
from fairkd.data.sources import CRIME

SHARES = {
    "racepctblack": "Black",
    "racePctWhite": "White",
    "racePctAsian": "Asian",
    "racePctHisp": "Hispanic",
}
"""The shares of the population, each scaled to 0 to 1 for itself, and what each is of."""
NUMBERS = (
    "population", "householdsize", *SHARES, "agePct12t21", "agePct12t29", "agePct16t24",
    "agePct65up", "numbUrban", "pctUrban", "medIncome", "pctWWage", "pctWFarmSelf", "pctWInvInc",
    "pctWSocSec", "pctWPubAsst", "pctWRetire", "medFamInc", "perCapInc", "whitePerCap",
    "blackPerCap", "indianPerCap", "AsianPerCap", "HispPerCap", "NumUnderPov", "PctPopUnderPov",
    "PctLess9thGrade", "PctNotHSGrad", "PctBSorMore", "PctUnemployed", "PctEmploy", "PctEmplManu",
    "PctEmplProfServ", "PctOccupManu", "PctOccupMgmtProf", "MalePctDivorce", "MalePctNevMarr",
    "FemalePctDiv", "TotalPctDiv", "PersPerFam", "PctFam2Par", "PctKids2Par", "PctYoungKids2Par",
    "PctTeen2Par", "PctWorkMomYoungKids", "PctWorkMom", "NumIlleg", "PctIlleg", "NumImmig",
    "PctImmigRecent", "PctImmigRec5", "PctImmigRec8", "PctImmigRec10", "PctRecentImmig",
    "PctRecImmig5", "PctRecImmig8", "PctRecImmig10", "PctSpeakEnglOnly", "PctNotSpeakEnglWell",
    "PctLargHouseFam", "PctLargHouseOccup", "PersPerOccupHous", "PersPerOwnOccHous",
    "PersPerRentOccHous", "PctPersOwnOccup", "PctPersDenseHous", "PctHousLess3BR", "MedNumBR",
    "HousVacant", "PctHousOccup", "PctHousOwnOcc", "PctVacantBoarded", "PctVacMore6Mos",
    "MedYrHousBuilt", "PctHousNoPhone", "PctWOFullPlumb", "OwnOccLowQuart", "OwnOccMedVal",
    "OwnOccHiQuart", "RentLowQ", "RentMedian", "RentHighQ", "MedRent", "MedRentPctHousInc",
    "MedOwnCostPctInc", "MedOwnCostPctIncNoMtg", "NumInShelters", "NumStreet", "PctForeignBorn",
    "PctBornSameState", "PctSameHouse85", "PctSameCity85", "PctSameState85", "LandArea", "PopDens",
    "PctUsePubTrans", "LemasPctOfficDrugUn",
)  # fmt: skip
STATES = {
    f"state_{number}": str(number)
    for number in (
        1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 13, 16, 18, 19, 20, 21, 22, 23, 24, 25, 27, 28, 29, 32, 33,
        34, 35, 36, 37, 38, 39, 40, 41, 42, 44, 45, 46, 47, 48, 49, 50, 51, 53, 54, 55, 56,
    )
}  # fmt: skip
BLACK_SHARE = {"0": "up to 0.06", "1": "above 0.06"}
"""Of the scaled share, whose median it is: Kamiran and Calders, "Data preprocessing techniques for
classification without discrimination", 2012."""
LABEL = "high_crime"
HIGH_CRIME = {"0": "no", "1": "yes"}
"""Above 0.25 of the scaled violent crimes by population, as Kamiran and Calders."""
(FILE,) = CRIME.files

_BLACK_SHARE = ">0.06black"


def load_crime(
    *,
    groups: Sequence[str] = ("black_share", "race"),
    test_fraction: float = 0.25,
    drop: Sequence[str] = ("state", *SHARES),
    rare_groups: Mapping[str, Any] | None = None,
    name: str = "crime",
    **common: Unpack[Common],
) -> Dataset:
    """Load Redmond's communities and crime; see `load_published`.

    A row is a community and no person. The positive class is ``yes``, much violent crime.

    Args:
        groups: the group blocks: ``black_share``, ``race`` (whose scaled share is the largest),
            ``black_share+race``.
        test_fraction: of all rows.
        drop: kept columns that are no features.
        rare_groups: ``rule`` and ``limit``, see `RareGroups`.
        name: the name the data set goes by.
        common: see `Common`.
    """
    return load_published(
        Published(
            source=CRIME,
            read=_read,
            label=LABEL,
            classes=("no", "yes"),
            told_by={"black_share": ("racepctblack",), "race": tuple(SHARES)},
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
    needed = [*NUMBERS, *STATES, _BLACK_SHARE, LABEL]
    frame = read_csv(CRIME, folder, FILE, "the table of communities and crime", needed)
    check_numbers(file, frame, NUMBERS)
    columns: dict[str, Any] = {name: frame[name] for name in NUMBERS}
    columns["state"] = decoded(file, frame, STATES)
    columns["black_share"] = renamed(file, frame[_BLACK_SHARE], BLACK_SHARE)
    largest = frame[list(SHARES)].fillna(0).to_numpy().argmax(axis=1)
    columns["race"] = np.array(list(SHARES.values()), dtype=object)[largest]
    columns[LABEL] = renamed(file, frame[LABEL], HIGH_CRIME)
    return Rows(pd.DataFrame(columns))
