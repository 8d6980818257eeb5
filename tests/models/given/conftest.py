from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from fairkd.data.assembly import assemble
from fairkd.data.dataset import SPLITS, Dataset
from fairkd.data.table import RawTable

ROWS = 80


def _frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    skill = rng.normal(size=ROWS)
    return pd.DataFrame(
        {
            "id": [f"r{row}" for row in range(ROWS)],
            "skill": skill,
            "town": rng.choice(["a", "b"], ROWS),
            "sex": rng.choice(["f", "m"], ROWS),
            "p": np.round(1 / (1 + np.exp(-3 * skill)), 4),
            "hired": np.where(skill + rng.normal(size=ROWS) > 0, "yes", "no"),
        }
    )


@pytest.fixture(scope="session")
def table() -> pd.DataFrame:
    """The source: a teacher's probability of yes stands in its column ``p``."""
    return _frame()


@pytest.fixture(scope="session")
def dataset(table: pd.DataFrame) -> Dataset:
    return assemble(
        RawTable(
            name="jobs",
            frame=table,
            label="hired",
            classes=("no", "yes"),
            features=("skill", "town", "sex"),
            origin="the test",
            fingerprint="jobs",
        ),
        groups=["sex"],
        seed=3,
        validation_fraction=0.25,
        test_fraction=0.25,
        use_groups_as_features=False,
        rare_groups=None,
    )


@pytest.fixture
def expected(table: pd.DataFrame, dataset: Dataset) -> Callable[[str], "np.ndarray"]:
    """The teacher's probability of yes for each row of a split, looked up by the row's name."""
    by_id = table.set_index("id")["p"]

    def of(split: str) -> "np.ndarray":
        assert split in SPLITS
        return by_id[dataset.raw[split]["id"]].to_numpy()

    return of
