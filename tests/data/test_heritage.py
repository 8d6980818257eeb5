from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fairkd.data.heritage import AGES, FILE, NUMBERS, SEXES, load_heritage
from fairkd.errors import DataError

LEFT_OUT = {
    "YEAR_t": "Y1", "trainset": 1, "age_MISS": 0, "sexMISS": 0, "CharlsonIndexI_max": 2,
    "CharlsonIndexI_min": 2, "CharlsonIndexI_ave": 2, "CharlsonIndexI_range": 0,
    "CharlsonIndexI_stdev": 0,
}  # fmt: skip


def years() -> pd.DataFrame:
    """Three years of each of sixty members: every age by turns, a third with a condition."""
    rows: list[dict[str, Any]] = []
    for i in range(60):
        ones = (list(AGES)[i % 9], list(SEXES)[i % 2])
        codes = {code: int(code in ones) for code in (*AGES, *SEXES)}
        member = {"MemberID_t": 1_000 + i, "Charlson>0": int(i % 3 == 0)}
        rows += 3 * [dict.fromkeys(NUMBERS, i) | codes | LEFT_OUT | member]
    return pd.DataFrame(rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    archive = {"method": "zip", "archive_name": "health.csv"}
    years().to_csv(tmp_path / FILE, index=False, compression=archive)  # type: ignore[call-overload]
    return tmp_path


def test_members_and_what_else_tells_the_label_are_no_features(folder: Path) -> None:
    data = load_heritage(seed=0, path=folder)
    raw = pd.concat(list(data.raw.values())).sort_values("member", ignore_index=True)
    assert list(raw.columns) == ["member", *NUMBERS, "sex", "age", "older", "condition"]
    first = raw[::3].reset_index(drop=True)
    assert list(first["sex"][:2]) == ["male", "female"]
    assert list(first["age"][:9]) == list(AGES.values())
    assert list(first["older"][:9]) == ["under 60"] * 6 + ["60+"] * 3
    assert list(first["condition"][:3]) == ["yes", "no", "no"]
    assert data.preparation is not None
    assert data.preparation.columns == NUMBERS


def test_a_member_is_in_one_split_unless_told_otherwise(folder: Path) -> None:
    def members(**given: Any) -> list[set[int]]:
        raw = load_heritage(seed=0, path=folder, **given).raw
        return [set(frame["member"]) for frame in raw.values()]

    train, validation, test = members()
    assert train.isdisjoint(validation | test)
    assert validation.isdisjoint(test)
    assert len(train | validation | test) == 60
    train, validation, test = members(split={"by": "stratified"})
    assert train & test


def test_an_age_that_is_no_group_is_a_feature(folder: Path) -> None:
    data = load_heritage(groups=["sex"], seed=0, path=folder)
    assert data.preparation is not None
    assert data.preparation.categorical == ("age",)


@pytest.mark.parametrize(("groups", "told"), [(["sex+older"], "age"), (["age"], "older")])
def test_an_age_in_groups_is_not_told_by_the_other_age(
    folder: Path, groups: list[str], told: str
) -> None:
    data = load_heritage(groups=groups, drop=(), seed=0, path=folder)
    assert data.preparation is not None
    assert told not in data.preparation.columns


def test_both_ages_are_features_where_groups_are(folder: Path) -> None:
    data = load_heritage(
        groups=["older"], drop=(), use_groups_as_features=True, seed=0, path=folder
    )
    assert data.preparation is not None
    assert {"age", "older"} <= set(data.preparation.columns)


def test_files_of_ones_own_are_checked(folder: Path) -> None:
    (folder / FILE).write_bytes(b"half of an archive")
    with pytest.raises(DataError, match="cannot be read as the Heritage Health table"):
        load_heritage(seed=0, path=folder)
    years().drop(columns="pcg46").to_csv(folder / FILE, index=False)
    with pytest.raises(DataError, match="no column pcg46; name a folder with the Heritage Health"):
        load_heritage(seed=0, path=folder)


@pytest.mark.data
def test_the_facts_of_the_real_table() -> None:
    data = load_heritage(seed=0)
    rows = pd.concat(list(data.raw.values()))
    assert len(rows) == 171_067
    assert rows["member"].nunique() == 92_671
    condition = rows["condition"] == "yes"
    assert int(condition.sum()) == 54_052  # 31.6%
    assert rows["sex"].value_counts().to_dict() == {"female": 94_617, "male": 76_450}
    assert rows["age"].value_counts().to_dict() == {
        "0-9": 16_588, "10-19": 16_566, "20-29": 10_930, "30-39": 18_311, "40-49": 25_446,
        "50-59": 21_163, "60-69": 21_620, "70-79": 28_270, "80+": 12_173,
    }  # fmt: skip
    by_age = condition.groupby(rows["age"]).mean()
    assert (round(100 * by_age["20-29"], 1), round(100 * by_age["80+"], 1)) == (7.6, 64.4)
    assert data.n_features == 121
