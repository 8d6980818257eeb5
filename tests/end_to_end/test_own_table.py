"""A table of one's own, from a file to a tracked run and a student on raw rows."""

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fairkd.serving.student import Student

ROWS = 300
TABLE = ("data=table", "data.label=hired", "data.groups=[gender]")


def applicants(folder: Path) -> pd.DataFrame:
    random = np.random.default_rng(0)
    skill = random.normal(size=ROWS)
    frame = pd.DataFrame(
        {
            "id": np.arange(ROWS) + 1000,
            "gender": random.choice(["f", "m"], ROWS),
            "skill": skill.round(3),
            "town": random.choice(["Rome", "Oslo"], ROWS),
            "hired": np.where(skill + random.normal(size=ROWS) > 0, "yes", "no"),
            "salary": random.normal(50, 10, ROWS).round(2),
        }
    )
    frame.to_csv(folder / "my applicants.csv", index=False)
    frame.to_parquet(folder / "applicants.parquet")
    return frame


def test_a_csv_becomes_a_tracked_run_and_a_student(fairkd: Any, place: Any) -> None:
    frame = applicants(place.folder)
    ended = fairkd(*TABLE, "data.path=my applicants.csv")
    assert ended.code == 0, ended.err
    assert "id is left out: an identifier: it numbers the rows" in ended.out + ended.err
    run = place.run()
    assert run.tags["fairkd.data"] == "table"
    assert run.params["data.path"] == "my applicants.csv"
    assert {"test/student/selection_rate/gender.f", "test/disparity"} <= set(run.metrics)

    student = Student.load(run.output)
    assert [column.name for column in student.description.columns] == ["skill", "salary", "town"]
    found = student.probabilities(frame[["town", "salary", "skill"]])
    assert list(found) == ["no", "yes"]
    np.testing.assert_allclose(found.sum(axis=1), 1)

    os.utime(place.folder / "my applicants.csv")
    (place.folder / "my applicants.csv").rename(place.folder / "moved.csv")
    assert fairkd(*TABLE, "data.path=moved.csv").code == 0
    assert len(place.kept("job")) == len(place.runs("FINISHED")) == 1
    frame[1:].to_csv(place.folder / "moved.csv", index=False)
    assert fairkd(*TABLE, "data.path=moved.csv").code == 0
    assert len(place.kept("job")) == 2


def test_a_parquet_file_in_a_sweep(
    fairkd: Any, place: Any, caplog: pytest.LogCaptureFixture
) -> None:
    applicants(place.folder)
    caplog.set_level(logging.INFO)
    ended = fairkd(
        "-m", *TABLE, "data.path=applicants.parquet", "distillation.temperature=1,4",
        "data.imperfect.known_groups=0.5",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert len(place.runs("FINISHED")) == 2
    shown = ended.out + ended.err
    assert shown.count("label hired: 'no', 'yes'; 'yes' is positive") == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["data.label=salary"], "a quantity (a regression target), and fairkd learns classes."),
        (["data.label=[hired,town]"], "names several columns: several labels a row"),
        (["data.path=applicant.csv"], "; did you mean '"),
        (["data.path=null"], "data=table needs data.path: a CSV or Parquet file"),
        (["data.groups=null"], "data.groups=null is not a list of group blocks"),
        (["data.tpyes={}"], "Unknown key 'data.tpyes'; did you mean 'data.types'?"),
    ],
)
def test_refused_before_anything_is_written(
    words: list[str], sentence: str, fairkd: Any, place: Any
) -> None:
    applicants(place.folder)
    ended = fairkd(*TABLE, "data.path=applicants.parquet", *words)
    assert ended.code == 1
    assert sentence in ended.err
    assert "Traceback" not in ended.out + ended.err
    assert not place.runs()
    assert not (place.folder / "store").exists()
