from pathlib import Path

import pandas as pd
import pytest

from fairkd.data.compas import FILE, load_compas
from fairkd.data.fetch import default_cache, fetch_files
from fairkd.data.sources import COMPAS
from fairkd.errors import ConfigError, DataError, FairkdError


def people() -> pd.DataFrame:
    """Thirty rows of the analysis, and one for every reason to be left out of it."""
    analysed = {
        "name": "somebody", "first": "some", "last": "body", "dob": "1990-01-01", "id": 1,
        "sex": "Male", "race": "Caucasian", "age": 30, "age_cat": "25 - 45", "juv_fel_count": 0,
        "juv_misd_count": 1, "juv_other_count": 2, "priors_count": 3, "c_charge_degree": "F",
        "c_charge_desc": "Battery", "days_b_screening_arrest": -1.0, "is_recid": 0,
        "score_text": "Low", "decile_score": 2, "two_year_recid": 0,
    }  # fmt: skip
    rows = [
        analysed
        | {
            "sex": "Female" if i % 3 else "Male",
            "race": "Hispanic" if i % 2 else "Caucasian",
            "age": 20 + i,
            "two_year_recid": int(i % 5 < 2),
            "days_b_screening_arrest": (-30.0, 0.0, 30.0)[i % 3],
        }
        for i in range(30)
    ]
    left_out = (
        {"days_b_screening_arrest": -31.0},
        {"days_b_screening_arrest": 31.0},
        {"days_b_screening_arrest": None},
        {"is_recid": -1},
        {"c_charge_degree": "O"},
        {"score_text": "N/A"},
    )
    return pd.DataFrame([*rows, *(analysed | {"age": 99} | why for why in left_out)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    people().to_csv(tmp_path / FILE, index=False)
    return tmp_path


def test_the_rows_of_the_analysis_without_names_dates_and_scores(folder: Path) -> None:
    data = load_compas(seed=0, path=folder, rare_groups=None)
    raw = pd.concat(list(data.raw.values()))
    assert sorted(raw["age"]) == list(range(20, 50))
    assert set(raw.columns) == {
        "age", "age_cat", "race", "sex", "juv_fel_count", "juv_misd_count", "juv_other_count",
        "priors_count", "c_charge_degree", "c_charge_desc", "two_year_recid",
    }  # fmt: skip
    assert data.preparation is not None
    assert data.preparation.columns == (
        "age", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count",
        "c_charge_degree",
    )  # fmt: skip
    assert data.blocks.cells() == {"race": ["caucasian", "hispanic"], "sex": ["female", "male"]}
    for name, batch in data.splits.items():
        assert batch.y.tolist() == data.raw[name]["two_year_recid"].tolist()


def test_what_is_kept_may_be_a_feature_or_a_group(folder: Path) -> None:
    data = load_compas(groups=["sex"], drop=["age"], seed=0, path=folder, rare_groups=None)
    assert data.preparation is not None
    assert {"race", "age_cat", "c_charge_desc"} <= set(data.preparation.columns)
    assert not {"age", "sex"} & set(data.preparation.columns)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda frame: None, "There is no file .*data.path for data=compas is a folder"),
        (lambda frame: frame.drop(columns=["race", "sex"]), "no column race, sex; name a folder"),
        (lambda frame: frame.assign(age="old"), "other than numbers in the column 'age'"),
        (lambda frame: frame.assign(two_year_recid=2), "'2' in the label column 'two_year_recid'"),
        (lambda frame: frame.assign(is_recid=-1), "has no rows; data=compas needs some"),
        (lambda frame: pd.DataFrame(), "cannot be read as|has no column"),
    ],
)
def test_files_of_ones_own_are_checked(folder: Path, change, sentence: str) -> None:  # type: ignore[no-untyped-def]
    changed = change(people())
    (folder / FILE).unlink()
    if changed is not None:
        changed.to_csv(folder / FILE, index=False)
    with pytest.raises(DataError, match=sentence):
        load_compas(seed=0, path=folder)


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"drop": ["agecat"]}, "data.drop 'agecat'; did you mean 'age_cat'"),
        ({"groups": ["two_year_recid"]}, "the label itself"),
        ({"groups": ["decile_score"]}, "Unknown column in data.groups 'decile_score'"),
    ],
)
def test_knobs_that_cannot_work(folder: Path, knobs: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load_compas(seed=0, path=folder, **knobs)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.usefixtures("offline")
def test_without_network_and_cache(tmp_path: Path) -> None:
    with pytest.raises(FairkdError, match="fairkd data fetch compas"):
        load_compas(seed=0, cache=tmp_path)


@pytest.mark.data
def test_the_facts_of_the_real_table() -> None:
    file = fetch_files(COMPAS, default_cache()) / FILE
    assert pd.read_csv(file).shape == (7_214, 53)
    data = load_compas(seed=0)
    rows = pd.concat(list(data.raw.values()))
    assert len(rows) == 6_172
    assert int(rows["two_year_recid"].sum()) == 2_809  # 45.5%
    assert rows["sex"].value_counts().to_dict() == {"Male": 4_997, "Female": 1_175}
    assert rows["race"].value_counts().to_dict() == {
        "African-American": 3_175, "Caucasian": 2_103, "Hispanic": 509, "Other": 343, "Asian": 31,
        "Native American": 11,
    }  # fmt: skip
    again = rows.groupby("race")["two_year_recid"].mean()
    assert round(100 * again["African-American"], 1) == 52.3
    assert round(100 * again["Caucasian"], 1) == 39.1


@pytest.mark.data
def test_every_seed_has_the_same_cells_and_some_rows_of_each() -> None:
    for seed in range(10):
        data = load_compas(seed=seed)
        assert data.blocks["race"].cells == ("african-american", "caucasian", "hispanic", "other")
        assert all((batch.group.sum(dim=1) == 2).all() for batch in data.splits.values())
        assert data.blocks["race"].of(data.splits["validation"].group).sum(0).min() > 50
