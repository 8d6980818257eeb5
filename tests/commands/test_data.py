"""``fairkd data``: listing and describing data sets."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fairkd.commands.data_list import WIDTH, lines
from fairkd.data.catalogue import entries

Fairkd = Callable[..., Any]


def test_the_list_has_every_data_set_in_100_columns(tmp_path: Path) -> None:
    found = list(lines(entries(tmp_path)))
    assert max(map(len, found)) <= WIDTH
    text = "\n".join(found)
    assert re.search(r"^adult +48,842  income +sex, race +28\.2 MB  no$", text, re.MULTILINE)
    assert re.search(r"^iris +150  species +planted_sepal +none  yes$", text, re.MULTILINE)
    words = " ".join(text.split())
    for entry in entries(tmp_path):
        assert entry.source in words
        assert f"Licence: {entry.licence}" in words


def test_describing_prints_and_writes_a_folder(fairkd: Fairkd, workplace: Path) -> None:
    words = "data=arrests data.groups=[colour] tracking=none hydra.run.dir=here"
    ended = fairkd("data", "describe", *words.split())
    assert (ended.code, ended.err) == (0, "")
    assert "arrests: 5,226 rows (train 2,939, validation 980, test 1,307)" in ended.out
    assert "black   1,288   24.6%" in ended.out
    assert "next    fairkd data=arrests 'data.groups=[colour]' tracking=none" in ended.out
    assert {path.name for path in (workplace / "here").iterdir()} == {
        "columns.csv", "data.png", "groups",
    }  # fmt: skip
    assert [path.name for path in workplace.iterdir()] == ["here"]


def test_a_description_is_a_run_of_its_own_kind(
    fairkd: Fairkd, workplace: Path, migrated: Path
) -> None:
    shutil.copy(migrated, workplace / "mlflow.db")
    assert fairkd("data", "describe", "data=iris", "hydra.run.dir=here").code == 0

    from fairkd.tracking.mlflow_reading import MlflowReading

    (run,) = MlflowReading().search()
    assert run.is_of_data
    assert not run.counts
    assert (run.name, run.status) == ("data\u00b7iris", "FINISHED")
    assert run.params["data.name"] == "iris"
    assert run.metrics["rows"] == 150
    assert [(one.name, one.rows) for one in run.inputs] == [("iris", 150)]
    for path in ("figures/data.png", "columns.csv", "groups/planted_sepal.csv"):
        assert MlflowReading().has(run, path)
    refused = fairkd("report", f"run={run.run_id}")
    assert refused.code == 1
    assert "describes a data set; give the run of one of its jobs" in refused.err


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ("adult", 2, "'adult' is not a key=value; write the data as a job does"),
        ("--cfg job", 2, "'--cfg' is not a key=value"),
        ("-m data=adult,iris", 2, "-m is for jobs; describe one data set at a time"),
        ("data=adlt", 1, "Unknown choice for data 'adlt'; did you mean 'adult'"),
        ("data=iris data.gruops=[x]", 1, "Unknown key 'data.gruops'; did you mean 'data.groups'"),
        ("data=iris data.groups=[x]", 1, "Unknown column in data.groups 'x'"),
        ("data=iris data.seed=-1", 1, "data.seed=-1 is out of range"),
        ("data=iris tracking.uri=x://y", 1, "tracking.uri=x://y is not a tracking store"),
        ("data=(", 2, "cannot be read as key=value"),
    ],
)
def test_wrong_words_are_told_and_leave_nothing(
    fairkd: Fairkd, workplace: Path, words: str, code: int, sentence: str
) -> None:
    ended = fairkd("data", "describe", *words.split())
    assert ended.code == code
    assert sentence in ended.err
    assert ended.out == ""
    assert list(workplace.iterdir()) == []


def test_other_words_show_the_usage(fairkd: Fairkd) -> None:
    ended = fairkd("data", "lst")
    assert ended.code == 2
    assert "'fairkd data lst' is not a command" in ended.err
    assert "fairkd data describe data=NAME" in fairkd("data", "--help").out
