from pathlib import Path

import pytest

from fairkd.data.adult import load_adult
from fairkd.data.fetch import default_cache, fetch_files
from fairkd.data.sources import ADULT
from fairkd.errors import ConfigError, DataError, FairkdError

ROWS = [
    "39, State-gov, 77516, Bachelors, 13, Never-married, Adm-clerical, Not-in-family, White, "
    "Male, 2174, 0, 40, United-States, <=50K",
    "50, ?, 83311, Bachelors, 13, Married-civ-spouse, ?, Wife, Black, Female, 0, 0, 13, ?, >50K",
    "38, Private, 215646, HS-grad, 9, Divorced, Sales, Not-in-family, Black, "
    "Female, 0, 0, 40, United-States, <=50K",
    "53, Private, 234721, 11th, 7, Married-civ-spouse, Sales, Husband, White, "
    "Male, 0, 0, 40, United-States, >50K",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of one's own in UCI's form, with sixteen training and two test rows."""
    (tmp_path / "adult.data").write_text("\n".join(ROWS * 4) + "\n\n")
    test = [f"{row}." for row in ROWS[:2]]
    (tmp_path / "adult.test").write_text("\n".join(["|1x3 Cross validator", *test]) + "\n\n")
    return tmp_path


def test_the_official_form_is_read(folder: Path) -> None:
    data = load_adult(groups=["sex", "race"], seed=0, validation_fraction=0.5, path=folder)
    assert {name: batch.size for name, batch in data.splits.items()} == {
        "train": 8,
        "validation": 8,
        "test": 2,
    }
    test, raw = data.splits["test"], data.raw["test"]
    assert test.y.tolist() == [0, 1]
    assert test.group.tolist() == [[0, 1, 0, 1], [1, 0, 1, 0]]
    assert list(raw["income"]) == ["<=50K", ">50K"]
    assert raw["workclass"].isna().tolist() == [False, True]
    assert raw["age"].tolist() == [39, 50]
    assert data.preparation is not None
    assert not {"fnlwgt", "education", "sex", "race", "income"} & set(data.preparation.columns)
    assert "education-num" in data.preparation.columns


def test_the_parts_can_be_pooled(folder: Path) -> None:
    data = load_adult(
        groups=["sex"],
        seed=0,
        validation_fraction=0.4,
        test_fraction=0.5,
        official_test=False,
        drop=[],
        path=folder,
    )
    assert sum(batch.size for batch in data.splits.values()) == 18
    assert data.splits["test"].size == 9
    assert data.preparation is not None
    assert {"fnlwgt", "education", "race"} <= set(data.preparation.columns)


def test_the_fingerprint_follows_the_files(folder: Path) -> None:
    def fingerprint() -> str:
        knobs = {"groups": ["sex"], "validation_fraction": 0.5, "path": folder}
        return load_adult(seed=0, **knobs).fingerprint  # type: ignore[arg-type]

    before = fingerprint()
    assert fingerprint() == before
    file = folder / "adult.data"
    file.write_text(file.read_text().replace("39, State-gov", "40, State-gov"))
    assert fingerprint() != before


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "There is no file .*adult.data; data.path for data=adult"),
        ("", "adult.data cannot be read as Adult's table"),
        ("age,sex\n39,Male\n", "has 2 columns, Adult's table has 15"),
        (ROWS[0].replace("39", "old"), "other than numbers in the column 'age'"),
        (ROWS[0].replace("<=50K", "rich") + "\n" + ROWS[1], "'rich' in the label column 'income'"),
        ("\xff\xfe", "cannot be read|columns"),
    ],
)
def test_files_of_ones_own_are_checked(folder: Path, content: str | None, sentence: str) -> None:
    if content is None:
        (folder / "adult.data").unlink()
    else:
        (folder / "adult.data").write_text(content, encoding="latin-1")
    with pytest.raises(DataError, match=sentence):
        load_adult(groups=["sex"], seed=0, path=folder)


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"drop": ["fnlwght"]}, "data.drop 'fnlwght'; did you mean 'fnlwgt'"),
        ({"test_fraction": 0.3}, "data.official_test=false"),
        ({"official_test": False}, "data.test_fraction=null"),
        ({"groups": ["income"]}, "the label itself"),
    ],
)
def test_knobs_that_cannot_work(folder: Path, knobs: dict[str, object], sentence: str) -> None:
    given = {"groups": ["sex"], "seed": 0, "path": folder} | knobs
    with pytest.raises(ConfigError, match=sentence):
        load_adult(**given)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.usefixtures("offline")
def test_without_network_and_cache(tmp_path: Path) -> None:
    with pytest.raises(FairkdError, match="fairkd data fetch adult"):
        load_adult(groups=["sex"], seed=0, cache=tmp_path)


@pytest.mark.data
def test_the_facts_of_the_real_table() -> None:
    fetch_files(ADULT, default_cache())
    data = load_adult(groups=["sex", "race", "sex+race"], seed=0)
    train, validation, test = data.splits.values()
    assert (train.size, validation.size, test.size) == (24_420, 8_141, 16_281)
    seen_in_training = [train, validation]
    sex, cells = data.blocks["sex"], data.blocks["sex+race"]
    assert sum(int(batch.y.sum()) for batch in seen_in_training) == 7_841  # 24.08% of 32,561
    men = sum(float(sex.of(batch.group)[:, 1].sum()) for batch in seen_in_training)
    assert sex.cells[1] == "male"
    assert round(100 * men / 32_561, 1) == 66.9
    black_women = cells.cells.index("female+black")
    assert sum(cells.of(batch.group)[:, black_women].sum() for batch in seen_in_training) == 1_555
    assert len(cells.cells) == 10
    assert all((batch.group.sum(dim=1) == 3).all() for batch in data.splits.values())
    assert data.raw["test"]["income"].value_counts().to_dict() == {"<=50K": 12_435, ">50K": 3_846}
    assert data.n_features == len(data.preparation.feature_names) == 84  # type: ignore[union-attr]
