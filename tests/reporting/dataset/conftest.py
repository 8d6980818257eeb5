from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from fairkd.data.assembly import assemble
from fairkd.data.dataset import Dataset
from fairkd.data.table import RawTable


def hirings(classes: tuple[str, ...] = ("no", "yes"), **options: object) -> Dataset:
    """400 rows: women 100, men 296, four unknown; 20% of women and 50% of men are hired."""
    random = np.random.default_rng(0)
    sex = np.array(["f"] * 100 + ["m"] * 296 + [None] * 4, dtype=object)
    hired = ["yes"] * 20 + ["no"] * 80 + ["yes", "no"] * 148 + ["no"] * 4
    label = np.array(hired, dtype=object)
    if len(classes) == 3:
        label[::5] = "later"
    pay = random.normal(size=400)
    pay[:30] = np.nan
    table = RawTable(
        name="hirings",
        frame=pd.DataFrame({"sex": sex, "pay": pay, "id": range(400), "hired": label}),
        label="hired",
        classes=classes,
        features=("sex", "pay"),
        origin="a test",
        fingerprint="0" * 64,
    )
    given: dict[str, object] = {
        "groups": ["sex"],
        "seed": 0,
        "validation_fraction": 0.25,
        "test_fraction": 0.25,
        "use_groups_as_features": False,
        "rare_groups": None,
    }
    return assemble(table, **(given | options))  # type: ignore[arg-type]


@pytest.fixture
def dataset() -> Callable[..., Dataset]:
    return hirings
