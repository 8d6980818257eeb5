from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fairkd.data.crime import FILE, NUMBERS, SHARES, STATES, load_crime
from fairkd.errors import DataError


def communities() -> pd.DataFrame:
    """Twenty-four rows: every race has the largest share by turns, a third with much crime."""
    rows: list[dict[str, Any]] = []
    for i in range(24):
        shares = {share: 0.9 if place == i % 4 else 0.1 for place, share in enumerate(SHARES)}
        state = f"state_{(6, 48)[i % 2]}"
        own = {
            "communityname": f"place {i}", "fold": i % 10 + 1, "ViolentCrimesPerPop": 0.5,
            ">0.06black": i % 2, "high_crime": int(i % 3 == 0),
        }  # fmt: skip
        states = {name: int(name == state) for name in STATES}
        rows.append(dict.fromkeys(NUMBERS, i / 100) | shares | states | own)
    return pd.DataFrame(rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    communities().to_csv(tmp_path / FILE, index=False)
    return tmp_path


def test_names_folds_and_the_rate_behind_the_label_are_left_out(folder: Path) -> None:
    data = load_crime(seed=0, path=folder)
    raw = pd.concat(list(data.raw.values())).sort_values("population", ignore_index=True)
    assert list(raw.columns) == [*NUMBERS, "state", "black_share", "race", "high_crime"]
    assert list(raw["state"][:2]) == ["6", "48"]
    assert list(raw["black_share"][:2]) == ["up to 0.06", "above 0.06"]
    assert list(raw["race"][:4]) == ["Black", "White", "Asian", "Hispanic"]
    assert list(raw["high_crime"][:3]) == ["yes", "no", "no"]
    assert data.preparation is not None
    assert data.preparation.columns == tuple(name for name in NUMBERS if name not in SHARES)


def test_a_state_that_is_a_feature_is_a_category(folder: Path) -> None:
    data = load_crime(seed=0, path=folder, drop=[*SHARES])
    assert data.preparation is not None
    assert data.preparation.categorical == ("state",)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"state_1": 1}, "no single 1 among zeros in state_1, .* of row 1"),
        ({"high_crime": 2}, "holds '2' in the column 'high_crime' of row 1; accepted: 0, 1."),
    ],
)
def test_files_of_ones_own_are_checked(
    folder: Path, change: dict[str, object], sentence: str
) -> None:
    communities().assign(**change).to_csv(folder / FILE, index=False)
    with pytest.raises(DataError, match=sentence):
        load_crime(seed=0, path=folder)


@pytest.mark.data
def test_the_facts_of_the_real_table() -> None:
    rows = pd.concat(list(load_crime(seed=0).raw.values()))
    assert len(rows) == 1_993  # UCI has 1,994: the file lost one
    high = rows["high_crime"] == "yes"
    assert int(high.sum()) == 653  # 32.8%
    assert rows["race"].value_counts().to_dict() == {
        "White": 1_571, "Black": 219, "Hispanic": 115, "Asian": 88,
    }  # fmt: skip
    above = rows["black_share"] == "above 0.06"
    assert above.equals(rows["racepctblack"] > 0.06)
    assert (int(above.sum()), int((above & high).sum())) == (970, 518)
    assert rows["state"].nunique() == 46
    assert not rows[list(NUMBERS)].isna().any(axis=None)
