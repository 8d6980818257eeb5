from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fairkd.data.credit_default import CODED, FILE, NUMBERS, load_credit_default
from fairkd.errors import DataError


def holders() -> pd.DataFrame:
    """Forty-two rows: every education and sex by turns, a third of them in default."""
    rows: list[dict[str, Any]] = []
    for i in range(42):
        ones = (f"EDUCATION_{i % 7}", f"MARRIAGE_{i % 4}")
        codes = {code: int(code in ones) for column in CODED.values() for code in column}
        own = {"ID": i, "SEX": i % 2, "default-payment-next-month": int(i % 3 == 0)}
        rows.append(dict.fromkeys(NUMBERS, 10 * i) | codes | own)
    return pd.DataFrame(rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    holders().to_csv(tmp_path / FILE, index=False)
    return tmp_path


def test_codes_become_one_column_each(folder: Path) -> None:
    data = load_credit_default(seed=0, path=folder, rare_groups=None)
    raw = pd.concat(list(data.raw.values())).sort_values("AGE", ignore_index=True)
    assert list(raw.columns) == [*NUMBERS, "sex", "education", "marriage", "default"]
    assert list(raw["sex"][:2]) == ["male", "female"]
    assert list(raw["education"][:7]) == [
        "unknown", "graduate school", "university", "high school", "other", "unknown", "unknown",
    ]  # fmt: skip
    assert list(raw["marriage"][:4]) == ["unknown", "married", "single", "other"]
    assert list(raw["default"][:3]) == ["yes", "no", "no"]
    assert data.preparation is not None
    assert data.preparation.columns == (*NUMBERS, "marriage")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"SEX": 2}, "holds '2' in the column 'SEX' of row 1; accepted: 0, 1."),
        ({"EDUCATION_3": 1}, "no single 1 among zeros in EDUCATION_1, .* of row 1"),
        ({"AGE": "old"}, "other than numbers in the column 'AGE'"),
    ],
)
def test_files_of_ones_own_are_checked(
    folder: Path, change: dict[str, object], sentence: str
) -> None:
    holders().assign(**change).to_csv(folder / FILE, index=False)
    with pytest.raises(DataError, match=sentence):
        load_credit_default(seed=0, path=folder)


@pytest.mark.data
def test_the_facts_of_the_real_table() -> None:
    data = load_credit_default(seed=0)
    rows = pd.concat(list(data.raw.values()))
    assert len(rows) == 30_000
    defaults = rows["default"] == "yes"
    assert int(defaults.sum()) == 6_636  # 22.12%, as Yeh and Lien 2009
    assert rows["sex"].value_counts().to_dict() == {"female": 18_112, "male": 11_888}
    assert defaults.groupby(rows["sex"]).sum().to_dict() == {"female": 3_763, "male": 2_873}
    assert rows["education"].value_counts().to_dict() == {
        "university": 14_030, "graduate school": 10_585, "high school": 4_917, "unknown": 345,
        "other": 123,
    }  # fmt: skip
    assert rows["marriage"].value_counts().to_dict() == {
        "single": 15_964, "married": 13_659, "other": 323, "unknown": 54,
    }  # fmt: skip
    assert data.blocks["education"].cells == (
        "graduate school", "high school", "university", "other",
    )  # fmt: skip
