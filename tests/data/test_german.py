from pathlib import Path

import pandas as pd
import pytest

from fairkd.data.german import FILE, load_german
from fairkd.errors import DataError

ROW = "A11 6 A34 A43 1169 A65 A75 4 {status} A101 4 A121 {age} A143 A152 2 A173 1 A192 A201 {risk}"


def applicants() -> list[str]:
    """Forty rows: every marital status by turns, ages from 21 to 30, three quarters good."""
    return [
        ROW.format(status=f"A9{i % 5 + 1}", age=21 + i % 10, risk=1 if i % 4 else 2)
        for i in range(40)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / FILE).write_text("\n".join(applicants()) + "\n")
    return tmp_path


def test_sex_age_and_risk_are_read_from_the_codes(folder: Path) -> None:
    data = load_german(seed=0, path=folder)
    raw = pd.concat(list(data.raw.values()))
    assert "personal_status" not in raw
    assert raw["sex"].value_counts().to_dict() == {"male": 24, "female": 16}  # A92 and A95
    assert set(raw["age"][raw["age_group"] == "25 or younger"]) == {21, 22, 23, 24, 25}
    assert raw["credit"].value_counts().to_dict() == {"good": 30, "bad": 10}
    for name, batch in data.splits.items():
        assert batch.y.tolist() == (data.raw[name]["credit"] == "good").astype(int).tolist()


def test_neither_the_age_nor_the_marital_status_gives_a_group_away(folder: Path) -> None:
    data = load_german(seed=0, path=folder)
    assert data.preparation is not None
    assert set(data.preparation.columns) == {
        "status", "duration", "credit_history", "purpose", "credit_amount", "savings",
        "employment_since", "installment_rate", "other_debtors", "residence_since", "property",
        "other_installment_plans", "housing", "existing_credits", "job", "liable_people",
        "telephone", "foreign_worker",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (None, "There is no file .*data.path for data=german is a folder that holds german.data"),
        (["A11,6,A34"], "has 1 columns, the German credit table has 21 and no header line"),
        ([ROW.format(status="A96", age=30, risk=1)], "holds 'A96' in the column 'personal_status'"),
        ([ROW.format(status="A91", age=30, risk=3)], "'3' in the column 'credit' of row 1; accept"),
        ([ROW.format(status="A91", age="old", risk=1)], "other than numbers in the column 'age'"),
    ],
)
def test_files_of_ones_own_are_checked(
    folder: Path, lines: list[str] | None, sentence: str
) -> None:
    if lines is None:
        (folder / FILE).unlink()
    else:
        (folder / FILE).write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=sentence):
        load_german(seed=0, path=folder)


@pytest.mark.data
def test_the_facts_of_the_real_table() -> None:
    rows = pd.concat(list(load_german(seed=0).raw.values()))
    assert len(rows) == 1_000
    good = rows["credit"] == "good"
    assert int(good.sum()) == 700
    assert rows["sex"].value_counts().to_dict() == {"male": 690, "female": 310}
    assert rows["age_group"].value_counts().to_dict() == {"over 25": 810, "25 or younger": 190}
    assert good.groupby(rows["sex"]).sum().to_dict() == {"female": 201, "male": 499}
    assert good.groupby(rows["age_group"]).sum().to_dict() == {"over 25": 590, "25 or younger": 110}
