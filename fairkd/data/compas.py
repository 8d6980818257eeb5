"""COMPAS: is a defendant of Broward County, Florida, arrested again within two years."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Unpack

from fairkd.data.dataset import Dataset
from fairkd.data.published import Common, Published, Rows, load_published
from fairkd.data.published_csv import check_numbers, read_csv
from fairkd.data.sources import COMPAS

NUMBERS = ("age", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count")
LABEL = "two_year_recid"
COLUMNS = (*NUMBERS, "age_cat", "race", "sex", "c_charge_degree", "c_charge_desc", LABEL)
"""What is kept of the 53 columns. The others are names, birth dates and case numbers, other dates,
what happened afterwards (which holds the label), or COMPAS's own scores."""
RARE_GROUPS: Mapping[str, Any] = MappingProxyType({"rule": "merge_below_fraction", "limit": 0.07})
"""Between the races Hispanic (8.2% of the rows) and Other (5.6%): 11 of the people are
Native American and 31 Asian, too few for rates of their own, and join the source's Other."""
(FILE,) = COMPAS.files

_DAYS = "days_b_screening_arrest"
_READ = (*COLUMNS, _DAYS, "is_recid", "score_text")
_MOST_DAYS = 30


def load_compas(
    *,
    groups: Sequence[str] = ("race", "sex"),
    test_fraction: float = 0.25,
    drop: Sequence[str] = ("age_cat", "c_charge_desc"),
    rare_groups: Mapping[str, Any] | None = RARE_GROUPS,
    name: str = "compas",
    **common: Unpack[Common],
) -> Dataset:
    """Load ProPublica's two-year table; see `load_published`.

    Rows are those of ProPublica's analysis: screened within 30 days of the arrest, with a known
    outcome, charged with more than an ordinary traffic offence, and scored. The positive class is
    ``1``, arrested again within two years, as in most studies (Han et al., "FFB: a fair fairness
    benchmark", ICLR 2024): here it is being selected that does harm, and a false positive is a
    person wrongly taken for a risk.

    Args:
        groups: the group blocks, of any kept columns but the label (``race``, ``sex``,
            ``age_cat``, ``race+sex``).
        test_fraction: of all rows.
        drop: kept columns that are no features.
        rare_groups: ``rule`` and ``limit``, see `RareGroups`; None keeps every cell.
        name: the name the data set goes by.
        common: see `Common`.
    """
    return load_published(
        Published(source=COMPAS, read=_read, label=LABEL, classes=("0", "1")),
        name=name,
        groups=groups,
        test_fraction=test_fraction,
        drop=drop,
        rare_groups=rare_groups,
        **common,
    )


def _read(folder: Path) -> Rows:
    """The rows of ProPublica's analysis, with the columns that are kept."""
    # N/A is a score's text here, not a missing one.
    frame = read_csv(
        COMPAS, folder, FILE, "ProPublica's table", _READ, na_values=[""], keep_default_na=False
    )
    check_numbers(folder / FILE, frame, (*NUMBERS, _DAYS, "is_recid"))
    analysed = (
        frame[_DAYS].between(-_MOST_DAYS, _MOST_DAYS)
        & (frame["is_recid"] != -1)
        & (frame["c_charge_degree"] != "O")
        & (frame["score_text"] != "N/A")
    )
    return Rows(frame.loc[analysed, list(COLUMNS)].reset_index(drop=True))
