"""American Community Survey: the tasks of folktables on the Census's person files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import pandas as pd

from fairkd.checks import choice, whole
from fairkd.data.acs_files import check_states, fetch_states, folktables, own_files
from fairkd.data.assembly import assemble
from fairkd.data.dataset import Dataset
from fairkd.data.fetch import default_cache, fingerprint
from fairkd.data.published import DEFAULTS, Common, features_of
from fairkd.data.table import RawTable
from fairkd.data.values import as_text
from fairkd.errors import DataError

TASKS = {
    "income": "ACSIncome",
    "employment": "ACSEmployment",
    "employment_filtered": "ACSEmploymentFiltered",
    "health_insurance": "ACSHealthInsurance",
    "public_coverage": "ACSPublicCoverage",
    "mobility": "ACSMobility",
    "travel_time": "ACSTravelTime",
    "income_poverty_ratio": "ACSIncomePovertyRatio",
}
"""Each task, which is the label's name too, and its definition in folktables."""
CLASSES = ("no", "yes")
NUMBERS = ("AGEP", "SCHL", "WKHP", "PINCP", "JWMNP", "POVPIP", "OCCP", "POBP", "PUMA", "POWPUMA")
"""All other columns are categories. The last four are codes of hundreds of occupations and places;
folktables' own examples take every code as a number."""
SEXES = {1: "male", 2: "female"}
RACES = {
    1: "White",
    2: "Black",
    3: "American Indian",
    4: "Alaska Native",
    5: "American Indian or Alaska Native",
    6: "Asian",
    7: "Pacific Islander",
    8: "some other race",
    9: "two or more races",
}
"""What the Census calls the codes of ``SEX`` and ``RAC1P``, in short."""
FILTERED = ("AGEP", "PINCP", "WKHP", "PWGTP", "ESR")
"""The columns by which folktables chooses rows."""


def load_acs(
    *,
    task: str = "income",
    states: Sequence[str] = ("CA",),
    year: int = 2018,
    groups: Sequence[str] = ("race", "sex"),
    test_fraction: float = 0.25,
    drop: Sequence[str] = (),
    rare_groups: Mapping[str, Any] | None = None,
    name: str = "acs",
    **common: Unpack[Common],
) -> Dataset:
    """Load a task of Ding, Hardt, Miller and Schmidt, "Retiring Adult", NeurIPS 2021.

    Features, label, and which rows there are, are folktables' own; as there, 0 stands for what was
    not asked of a person. The sex and the race are named, and in columns of their own.

    Args:
        task: what is predicted, of `TASKS`; the positive class is ``yes``.
        states: two letters each (``CA``).
        year: of the one-year survey, 2014 or later.
        groups: the group blocks, of any features and ``race``.
        test_fraction: of all rows.
        drop: columns that are no features.
        rare_groups: ``rule`` and ``limit``, see `RareGroups`.
        name: the name the data set goes by.
        common: see `Common`; ``path`` is a folder with the person files of all states.

    Raises:
        DataError: files that are not there, cannot be fetched or are no person files.
        ConfigError: a value that cannot work, or folktables is not installed.
    """
    choice("data.task", task, tuple(TASKS))
    check_states(states)
    whole("data.year", year, least=2014)
    given = {**DEFAULTS, **common}
    path, cache = given.pop("path"), given.pop("cache")
    if path is not None:
        files, origin = own_files(Path(path), states, year), f"The folder {path} named in data.path"
    else:
        kept = Path(cache) if cache is not None else default_cache()
        files = fetch_states(states, year, kept)
        origin = f"The cache folder {files[0].parent}"
    frame = _frame(files, task)
    raw = RawTable(
        name=name,
        frame=frame,
        label=task,
        classes=CLASSES,
        features=features_of(frame, (task,), drop),
        origin=origin,
        fingerprint=fingerprint(files),
    )
    return assemble(
        raw, groups=groups, test_fraction=test_fraction, rare_groups=rare_groups, **given
    )


def _frame(files: Sequence[Path], task: str) -> pd.DataFrame:
    """The task's rows: its features, ``sex`` and ``race``, and the label."""
    problem = getattr(folktables(), TASKS[task])
    needed = {*problem.features, problem.target, problem.group, *FILTERED}
    people = pd.concat([_people(file, needed, task) for file in files], ignore_index=True)
    features, label, race = problem.df_to_pandas(people)
    columns: dict[str, Any] = {
        column: features[column] if column in NUMBERS else as_text(features[column])
        for column in problem.features
        if column not in ("SEX", problem.group)
    }
    columns["sex"] = features["SEX"].map(SEXES).to_numpy(dtype=object)
    columns["race"] = race[problem.group].map(RACES).to_numpy(dtype=object)
    columns[task] = label[problem.target].map({False: CLASSES[0], True: CLASSES[1]}).to_numpy()
    return pd.DataFrame(columns)


def _people(file: Path, needed: set[str], task: str) -> pd.DataFrame:
    """A person file's rows in the columns that a task reads."""
    try:
        frame = pd.read_csv(file, usecols=lambda name: name in needed, skipinitialspace=True)
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise DataError(f"{file} cannot be read as the Census's person file ({error}).") from error
    absent = sorted(needed - set(frame.columns))
    if absent:
        raise DataError(
            f"{file} has no column {', '.join(absent)}, which folktables needs for data.task={task}"
            " (from 2019 on there is no RELP); choose another data.year or data.task."
        )
    for name in sorted(needed):
        if not pd.api.types.is_numeric_dtype(frame[name]):
            raise DataError(f"{file} holds something other than numbers in the column '{name}'.")
    return frame
