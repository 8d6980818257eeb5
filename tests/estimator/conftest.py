from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from fairkd import FairDistiller


class People(NamedTuple):
    """Features, labels and sensitive features of the same rows."""

    x: pd.DataFrame
    y: "pd.Series[Any]"
    groups: pd.DataFrame


def _people(rows: int = 240, seed: int = 0) -> People:
    """Labels follow a skill that women, in these rows, are recorded with less of."""
    rng = np.random.default_rng(seed)
    woman = rng.random(rows) < 0.4
    skill = rng.normal(size=rows) - 0.8 * woman
    age = rng.integers(18, 70, rows).astype(float)
    age[rng.random(rows) < 0.1] = np.nan
    index = pd.Index(rng.permutation(rows) + 1000)
    x = pd.DataFrame(
        {
            "skill": skill,
            "age": age,
            "town": pd.Categorical(rng.choice(["Ulm", "Bonn", "Kiel"], rows)),
            "member": rng.random(rows) < 0.5,
        },
        index=index,
    )
    sex = pd.Series(np.where(woman, "F", "M"), index=index).mask(rng.random(rows) < 0.05)
    groups = pd.DataFrame({"sex": sex, "race": rng.choice(["a", "b", "c"], rows)}, index=index)
    y = pd.Series(np.where(skill + rng.normal(size=rows) > -0.3, "yes", "no"), index=index)
    return People(x, y, groups)


@pytest.fixture(scope="session")
def people() -> People:
    return _people()


@pytest.fixture(scope="session")
def more_people() -> People:
    """Rows of the same kind that nobody was trained on."""
    return _people(rows=150, seed=1)


@pytest.fixture
def quick() -> Callable[..., FairDistiller]:
    """A distiller that trains in no time; any parameter can be changed."""

    def make(**changed: Any) -> FairDistiller:
        quickly = {"teacher": "linear", "student": "linear", "max_epochs": 2, "batch_size": 64}
        return FairDistiller(**{**quickly, "learning_rate": 0.05, **changed})

    return make
