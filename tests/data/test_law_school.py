from pathlib import Path

import pandas as pd
import pytest

from fairkd.data.fetch import default_cache, fetch_files
from fairkd.data.law_school import FILE, load_law_school
from fairkd.data.sources import LAW_SCHOOL
from fairkd.errors import ConfigError, DataError, FairkdError

CODES = (
    "Race_Amerindian", "Race_Asian", "Race_Black", "Race_Hispanic", "Race_Mexican", "Race_Other",
    "Race_Puertorican", "Race_White", "Sex_1", "Sex_2", "PF_0", "PF_1",
)  # fmt: skip


def students() -> pd.DataFrame:
    """Twenty-four rows: races Black and White by turns, two thirds men, three quarters pass."""
    rows = []
    for i in range(24):
        ones = ("Race_Black" if i % 2 else "Race_White", "Sex_2" if i % 3 else "Sex_1",
                "PF_1" if i % 4 else "PF_0")  # fmt: skip
        numbers = {"LSAT": 20.0 + i, "UGPA": 3.0, "ZFYA": -0.5}
        rows.append(numbers | {code: int(code in ones) for code in CODES})
    return pd.DataFrame(rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    students().to_csv(tmp_path / FILE, index=False)
    return tmp_path


def test_codes_become_one_column_each(folder: Path) -> None:
    data = load_law_school(seed=0, path=folder)
    raw = pd.concat(list(data.raw.values())).sort_values("LSAT", ignore_index=True)
    assert list(raw.columns) == ["LSAT", "UGPA", "ZFYA", "race", "sex", "bar_exam"]
    assert list(raw["LSAT"]) == [20.0 + i for i in range(24)]
    assert list(raw["race"]) == ["White", "Black"] * 12
    assert list(raw["sex"]) == ["female", "male", "male"] * 8
    assert list(raw["bar_exam"]) == ["fail", "pass", "pass", "pass"] * 6
    assert data.classes == ("fail", "pass")
    for name, batch in data.splits.items():
        assert batch.y.tolist() == (data.raw[name]["bar_exam"] == "pass").astype(int).tolist()
    assert data.preparation is not None
    assert data.preparation.columns == ("LSAT", "UGPA", "ZFYA")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda frame: None, "There is no file .*data.path for data=law_school is a folder"),
        (lambda frame: frame.drop(columns=["Sex_1", "LSAT"]), "no column LSAT, Sex_1; name a fold"),
        (lambda frame: frame.assign(LSAT="good"), "other than numbers in the column 'LSAT'"),
        (lambda frame: frame.assign(Race_Other=[0, 1] + [0] * 22), "Race_White of row 2; correct"),
        (lambda frame: frame.assign(Sex_1=0), "no single 1 among zeros in Sex_1, Sex_2 of row 1"),
        (lambda frame: frame.assign(PF_1=frame["PF_1"] * 2), "in PF_0, PF_1 of row 2"),
    ],
)
def test_files_of_ones_own_are_checked(folder: Path, change, sentence: str) -> None:  # type: ignore[no-untyped-def]
    changed = change(students())
    (folder / FILE).unlink()
    if changed is not None:
        changed.to_csv(folder / FILE, index=False)
    with pytest.raises(DataError, match=sentence):
        load_law_school(seed=0, path=folder)


def test_a_damaged_archive(folder: Path) -> None:
    (folder / FILE).write_bytes(b"half of an archive")
    with pytest.raises(DataError, match="cannot be read as the law school table"):
        load_law_school(seed=0, path=folder)


def test_an_unknown_column_to_drop(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.drop 'ZFYB'; did you mean 'ZFYA'"):
        load_law_school(seed=0, path=folder, drop=["ZFYB"])


@pytest.mark.usefixtures("offline")
def test_without_network_and_cache(tmp_path: Path) -> None:
    with pytest.raises(FairkdError, match="fairkd data fetch law_school"):
        load_law_school(seed=0, cache=tmp_path)


@pytest.mark.data
def test_the_facts_of_the_real_table() -> None:
    fetch_files(LAW_SCHOOL, default_cache())
    rows = pd.concat(list(load_law_school(seed=0).raw.values()))
    assert len(rows) == 21_791
    passed = rows["bar_exam"] == "pass"
    assert round(100 * passed.mean(), 1) == 88.8
    by_race = passed.groupby(rows["race"])
    assert round(100 * by_race.mean()["Black"], 1) == 61.8
    assert round(100 * by_race.mean()["White"], 1) == 92.0
    assert by_race.size().to_dict() == {
        "Amerindian": 99, "Asian": 845, "Black": 1_282, "Hispanic": 488, "Mexican": 389,
        "Other": 293, "Puertorican": 110, "White": 18_285,
    }  # fmt: skip
    assert rows["sex"].value_counts().to_dict() == {"male": 12_254, "female": 9_537}


@pytest.mark.data
def test_every_seed_has_rows_of_every_cell() -> None:
    for seed in range(10):
        data = load_law_school(groups=["race", "sex", "race+sex"], seed=seed)
        assert [len(block.cells) for block in data.blocks] == [8, 2, 16]
        for batch in data.splits.values():
            assert (batch.group.sum(dim=1) == 3).all()
            assert (data.blocks["race"].of(batch.group).sum(0) > 10).all()
