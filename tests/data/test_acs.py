import io
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests

from fairkd.data.acs import TASKS, load_acs
from fairkd.errors import ConfigError, DataError

folktables = pytest.importorskip("folktables")

FILE = "psam_p06.csv"


def people(state: str = "06") -> pd.DataFrame:
    """Sixty people in the Census's form: all columns of all tasks, some of them empty."""
    problems = [getattr(folktables, name) for name in TASKS.values()]
    columns = {c for problem in problems for c in (*problem.features, problem.target)}
    rows: list[dict[str, Any]] = []
    for i in range(60):
        own = {
            "RT": "P", "SERIALNO": f"2018GQ{i:07d}", "PWGTP": 10, "ST": int(state),
            "AGEP": 20 + i, "SEX": i % 2 + 1, "RAC1P": (1, 2, 6)[i % 3], "WKHP": 40,
            "PINCP": 60_000 if i % 4 == 0 else 20_000, "ESR": (1, 6)[i % 2], "COW": i % 5 + 1,
            "OCCP": 4_000 + i, "MIL": None if i % 6 == 0 else 4, "NAICSP": "722Z",
        }  # fmt: skip
        rows.append(dict.fromkeys(sorted(columns), 1) | own)
    rows[1] |= {"AGEP": 16}  # neither is a worker of Adult's kind
    rows[2] |= {"WKHP": None}
    return pd.DataFrame(rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    people().to_csv(tmp_path / FILE, index=False)
    return tmp_path


def rows_of(**given: Any) -> pd.DataFrame:
    return pd.concat(list(load_acs(seed=0, **given).raw.values()))


def test_rows_features_and_label_are_those_of_folktables(folder: Path) -> None:
    rows = rows_of(path=folder).sort_values("AGEP", ignore_index=True)
    features, label, race = folktables.ACSIncome.df_to_pandas(people())
    order = features["AGEP"].argsort()
    assert len(rows) == len(features) == 58
    assert set(rows.columns) == {*features.columns} - {"SEX", "RAC1P"} | {"sex", "race", "income"}
    for name in set(features.columns) - {"SEX", "RAC1P"}:
        assert list(pd.to_numeric(rows[name])) == list(features[name][order]), name
    assert list(rows["income"] == "yes") == list(label["PINCP"][order])
    assert list(rows["sex"] == "female") == list(features["SEX"][order] == 2)
    assert list(rows["race"] == "Black") == list(race["RAC1P"][order] == 2)
    assert set(rows["race"]) == {"White", "Black", "Asian"}


def test_codes_are_categories_and_amounts_are_numbers(folder: Path) -> None:
    preparation = load_acs(seed=0, path=folder).preparation
    assert preparation is not None
    assert set(preparation.numeric) == {"AGEP", "SCHL", "WKHP", "OCCP", "POBP"}
    assert set(preparation.categorical) == {"COW", "MAR", "RELP"}


def test_what_was_not_asked_is_zero(folder: Path) -> None:
    assert set(rows_of(path=folder, task="employment")["MIL"]) == {"0", "4"}


def test_the_race_is_a_group_where_it_is_no_feature_of_the_task(folder: Path) -> None:
    everyone = people().assign(HINS2=[1 + (i % 3 > 0) for i in range(60)])
    everyone.to_csv(folder / FILE, index=False)
    data = load_acs(seed=0, path=folder, task="health_insurance")
    assert data.blocks.names == ("race", "sex")
    assert len(pd.concat(list(data.raw.values()))) == 60


def test_several_states_are_one_table_whose_content_is_in_the_key(folder: Path) -> None:
    one = load_acs(seed=0, path=folder)
    (folder / "2018" / "1-Year").mkdir(parents=True)  # where folktables keeps them
    people("48").to_csv(folder / "2018" / "1-Year" / "psam_p48.csv", index=False)
    two = load_acs(seed=0, path=folder, states=["CA", "TX"])
    assert sum(batch.size for batch in two.splits.values()) == 116
    assert two.fingerprint != one.fingerprint


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"task": "wealth"}, "data.task=wealth is not known; accepted: income, employment"),
        ({"states": ["XX"]}, "Unknown state in data.states 'XX'"),
        ({"states": []}, "is not a list of states; accepted: at least one, each once"),
        ({"states": "CA"}, "data.states=CA is not a list of states"),
        ({"year": 2013}, "data.year=2013 is out of range; accepted: a whole number of at least"),
        ({"drop": ["OCP"]}, "data.drop 'OCP'; did you mean 'OCCP'"),
    ],
)
def test_knobs_that_cannot_work(folder: Path, given: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load_acs(seed=0, path=folder, **given)  # type: ignore[arg-type]  # wrong on purpose


def test_files_of_ones_own_are_checked(folder: Path) -> None:
    with pytest.raises(DataError, match=r"no person file of TX for 2018 in .*psam_p06\.csv"):
        load_acs(seed=0, path=folder, states=["TX"])
    people().rename(columns={"RELP": "RELSHIPP"}).to_csv(folder / FILE, index=False)
    with pytest.raises(
        DataError, match=r"no column RELP, which folktables needs for data\.task=in"
    ):
        load_acs(seed=0, path=folder)
    people().assign(AGEP="old").to_csv(folder / FILE, index=False)
    with pytest.raises(DataError, match="other than numbers in the column 'AGEP'"):
        load_acs(seed=0, path=folder)


def test_files_are_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def census(url: str) -> requests.Response:
        asked.append(url)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as content:
            content.writestr(FILE, people().to_csv(index=False))
        response = requests.Response()
        response._content = archive.getvalue()
        return response

    monkeypatch.setattr(requests, "get", census)
    assert len(rows_of(cache=tmp_path)) == len(rows_of(cache=tmp_path)) == 58
    assert asked == [
        "https://www2.census.gov/programs-surveys/acs/data/pums/2018/1-Year/csv_pca.zip"
    ]
    kept = tmp_path / "acs" / "2018"
    assert [file.name for file in kept.iterdir() if file.name != ".lock"] == [FILE]


def test_a_census_that_is_not_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nobody(url: str) -> requests.Response:
        raise requests.ConnectionError("no route to host")

    monkeypatch.setattr(requests, "get", nobody)
    with pytest.raises(DataError) as refused:
        load_acs(seed=0, cache=tmp_path)
    assert str(refused.value) == (
        "The Census's person file of CA for 2018 could not be fetched (no route to host); try "
        "again where www2.census.gov is reached, or name a folder that holds it in data.path "
        "(psam_p06.csv, or ss14pca.csv before 2017, for CA)."
    )
    assert capsys.readouterr().out == ""
    kept = tmp_path / "acs" / "2018"
    assert [file.name for file in kept.iterdir() if file.name != ".lock"] == []


def test_without_folktables(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairkd.data.acs_files.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'fairkd\[acs\]'"):
        load_acs(seed=0, path=folder)
