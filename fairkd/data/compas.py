"""COMPAS: is a defendant of Broward County, Florida, arrested again within two years."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from fairkd.data.assembly import assemble
from fairkd.data.dataset import Dataset
from fairkd.data.fetch import COMPAS, default_cache, fetch_files, fingerprint
from fairkd.data.table import RawTable
from fairkd.errors import ConfigError, DataError, unknown_name

NUMBERS = ("age", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count")
LABEL = "two_year_recid"
CLASSES = ("0", "1")
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
    seed: int,
    validation_fraction: float = 0.25,
    test_fraction: float = 0.25,
    certify_fraction: float | None = None,
    drop: Sequence[str] = ("age_cat", "c_charge_desc"),
    use_groups_as_features: bool = False,
    rare_groups: Mapping[str, Any] | None = RARE_GROUPS,
    imperfect: Mapping[str, Any] | None = None,
    path: str | Path | None = None,
    cache: str | Path | None = None,
    name: str = "compas",
) -> Dataset:
    """Load ProPublica's two-year table, fetching it at first use.

    Rows are those of ProPublica's analysis: screened within 30 days of the arrest, with a known
    outcome, charged with more than an ordinary traffic offence, and scored. The positive class is
    ``1``, arrested again within two years, as in most studies (Han et al., "FFB: a fair fairness
    benchmark", ICLR 2024): here it is being selected that does harm, and a false positive is a
    person wrongly taken for a risk.

    Args:
        groups: the group blocks, of any kept columns but the label (``race``, ``sex``,
            ``age_cat``, ``race+sex``).
        seed: decides the split.
        validation_fraction: of the rows that are not test rows.
        test_fraction: of all rows.
        certify_fraction: of the rows that are not test rows: rows that certify bounds.
        drop: kept columns that are no features.
        use_groups_as_features: keep the blocks' columns among the features.
        rare_groups: ``rule`` and ``limit``, see `RareGroups`; None keeps every cell.
        imperfect: what is planted, or known to be wrong, see `Imperfect`.
        path: a folder with the user's own ``compas-scores-two-years.csv``, used as it is.
        cache: where fetched data is kept; by default see `default_cache`.
        name: the name the data set goes by.

    Raises:
        DataError: the file is not available or not in ProPublica's form.
        ConfigError: a value that cannot work.
    """
    for column in drop:
        if column not in COLUMNS:
            raise ConfigError(unknown_name("column in data.drop", column, COLUMNS))
    if path is not None:
        folder, origin = Path(path), f"The folder {path} named in data.path"
    else:
        folder = fetch_files(COMPAS, Path(cache) if cache is not None else default_cache())
        origin = f"The cache folder {folder}"
    table = RawTable(
        name=name,
        frame=_read(folder / FILE),
        label=LABEL,
        classes=CLASSES,
        features=tuple(c for c in COLUMNS if c != LABEL and c not in drop),
        origin=origin,
        fingerprint=fingerprint([folder / FILE]),
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
    """The rows of ProPublica's analysis, with the columns that are kept."""
    try:
        # N/A is a score's text here, not a missing one.
        frame = pd.read_csv(file, na_values=[""], keep_default_na=False)
    except FileNotFoundError as error:
        raise DataError(
            f"There is no file {file}; data.path for data=compas is a folder that holds {FILE}."
        ) from error
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise DataError(f"{file} cannot be read as ProPublica's table ({error}).") from error
    absent = [name for name in _READ if name not in frame.columns]
    if absent:
        raise DataError(
            f"{file} has no column {', '.join(absent)}; name a folder with ProPublica's {FILE} in "
            "data.path."
        )
    for name in (*NUMBERS, _DAYS, "is_recid"):
        if not pd.api.types.is_numeric_dtype(frame[name]):
            raise DataError(
                f"{file} holds something other than numbers in the column '{name}'; correct it, "
                "and leave it empty where a number is missing."
            )
    analysed = (
        frame[_DAYS].between(-_MOST_DAYS, _MOST_DAYS)
        & (frame["is_recid"] != -1)
        & (frame["c_charge_degree"] != "O")
        & (frame["score_text"] != "N/A")
    )
    return frame.loc[analysed, list(COLUMNS)].reset_index(drop=True)
