"""``fairkd predict``, from the command line."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fairkd.commands.predict import USAGE
from fairkd.data.dataset import Dataset
from fairkd.serving.student import Student

NEEDED = "needed: year, age, checks, employed, citizen."


@pytest.fixture(scope="module")
def new_rows(arrests: Dataset) -> pd.DataFrame:
    """Rows in another order of columns, with more of them, an unknown and two missing values."""
    rows = arrests.raw["test"].head(40).reset_index(drop=True)
    rows = rows[["citizen", "age", "sex", "employed", "year", "checks"]].astype({"age": float})
    rows.loc[3, "age"] = np.nan
    rows.loc[4, "citizen"] = None
    rows.loc[5:7, "employed"] = "Perhaps"
    return rows.assign(id=[f"{number:03d}" for number in range(40)])


def expected(job: Path, rows: pd.DataFrame) -> pd.DataFrame:
    student = Student.load(job)
    return student.probabilities(rows).assign(decision=student.decisions(rows))


def test_a_csv_file(fairkd: Any, workplace: Path, job: Path, new_rows: pd.DataFrame) -> None:
    new_rows.to_csv("new rows.csv", index=False)
    words = ["data.path=new rows.csv", "out=scores.csv", "keep=[id, sex]"]
    ended = fairkd("predict", f"folder={job}", *words)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        f"scores   {workplace}/scores.csv",
        f"by       {job}: its student",
        "rows     40 of new rows.csv",
        "decided  Yes from a probability of 0.4 on",
        "missing  values in these columns: age 1, citizen 1",
        "unknown  employed: 3 rows hold 'Perhaps', which no training row had; they count as none "
        "of those known",
    ]
    found = pd.read_csv("scores.csv", dtype={"id": str})
    assert found.columns.tolist() == ["id", "sex", "No", "Yes", "decision"]
    assert found["id"].tolist() == new_rows["id"].tolist()
    own = expected(job, new_rows)
    np.testing.assert_array_equal(found[["No", "Yes"]], own[["No", "Yes"]])
    assert found["decision"].tolist() == own["decision"].tolist()
    assert sorted(file.name for file in workplace.iterdir()) == ["new rows.csv", "scores.csv"]


def test_parquet_in_many_parts(
    fairkd: Any,
    workplace: Path,
    job: Path,
    new_rows: pd.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first part's kept column has no value, and its numbers are whole."""
    monkeypatch.setattr("fairkd.data.table_batches.ROWS", 16)
    note = [None] * 16 + ["x"] * 24
    (workplace / "parts").mkdir()
    with_note = new_rows.assign(note=note, employed=new_rows["employed"].astype("category"))
    with_note.to_parquet("parts/a.parquet")
    ended = fairkd(
        "predict", f"folder={job}", "data.path=parts", "out=new/scores.parquet", "keep=note"
    )
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-1] == "unused   columns: sex, id"
    found = pd.read_parquet("new/scores.parquet")
    np.testing.assert_array_equal(found[["No", "Yes"]], expected(job, new_rows)[["No", "Yes"]])
    assert found["note"].isna().tolist() == [one is None for one in note]


def test_how_a_file_is_read(fairkd: Any, job: Path, new_rows: pd.DataFrame) -> None:
    """Semicolons found, decimal commas and words for missing said; spaces around text trimmed."""
    own = new_rows.assign(age=new_rows["age"] + 0.5)
    text = own.assign(citizen=" " + own["citizen"].fillna("so what") + " ").to_csv(
        sep=";", decimal=",", index=False
    )
    Path("new.csv").write_text(text, encoding="utf-8-sig")
    words = ["data.path=new.csv", "data.decimal=,", "data.missing=[so what]", "out=scores.csv"]
    ended = fairkd("predict", f"folder={job}", *words)
    assert (ended.code, ended.err) == (0, "")
    found = pd.read_csv("scores.csv")[["No", "Yes"]]
    np.testing.assert_array_equal(found, expected(job, own)[["No", "Yes"]])


@pytest.mark.parametrize(
    ("text", "words", "sentence"),
    [
        ("year,checks,employed\n1,2,Yes\n", [], "new.csv has no column age, citizen; " + NEEDED),
        ("", [], "new.csv is empty; name another file in data.path."),
        ("year,age,checks,employed,citizen\n", [], "new.csv has columns and no rows"),
        (
            "year,age,checks,employed,citizen\n1,2,3,Yes,No\n1,forty,3,Yes,No\n",
            [],
            "new.csv holds 'forty' in the column 'age', which is no number; correct it",
        ),
        (
            "year,age,checks,employed,citizen\n1,2,3,Yes,No\n1,2,3,Yes\n",
            [],
            "new.csv has 4 fields in the row that ends in line 3, and 5 columns; correct that row",
        ),
        (
            "year,age,checks,employed,citizen\n1,inf,3,Yes,No\n",
            [],
            "The column 'age' holds 'inf', which is not a finite number; correct it",
        ),
        (
            "year,age,checks,employed,citizen\n1,2,3,Perhaps,No\n",
            ["unknown=refuse"],
            "The column 'employed' holds 'Perhaps', which no training row had; known: No, Yes.",
        ),
        (
            "year,age,checks,employed,citizen\n1,2,3,Yes,No\n",
            ["keep=[idd]"],
            "Unknown column in keep 'idd'. Accepted: age, checks, citizen, employed, year.",
        ),
        (
            "year,age,checks,employed,citizen,Yes\n1,2,3,Yes,No,1\n",
            ["keep=[Yes]"],
            "keep=Yes would be two columns 'Yes' beside each other",
        ),
        (
            "year,age,checks,employed,citizen\n1,2,3,Yes,No\n",
            ["data.encoding=utf-9"],
            "data.encoding=utf-9 is no encoding; accepted",
        ),
    ],
)
def test_what_cannot_be_scored_leaves_nothing(
    fairkd: Any, workplace: Path, job: Path, text: str, words: list[str], sentence: str
) -> None:
    Path("new.csv").write_text(text)
    ended = fairkd("predict", f"folder={job}", "data.path=new.csv", "out=scores.csv", *words)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(sentence)
    assert [file.name for file in workplace.iterdir()] == ["new.csv"]


def test_what_is_there_is_not_written_over(fairkd: Any, job: Path, new_rows: pd.DataFrame) -> None:
    new_rows.to_csv("new.csv", index=False)
    Path("scores.csv").write_text("mine\n")
    words = [f"folder={job}", "data.path=new.csv"]
    ended = fairkd("predict", *words, "out=scores.csv")
    assert ended.err == (
        "out=scores.csv is there already; give another out, or add overwrite=true.\n"
    )
    assert fairkd("predict", *words, "out=scores.csv", "overwrite=true").code == 0
    assert Path("scores.csv").read_text().startswith("No,Yes,decision\n")
    ended = fairkd("predict", *words, "out=new.csv", "overwrite=true")
    assert ended.err == "out=new.csv is data.path itself; give another out.\n"
    Path("parts.csv").mkdir()
    ended = fairkd("predict", *words, "out=parts.csv", "overwrite=true")
    assert ended.err == "out=parts.csv is a folder; give a file as out.\n"
    ended = fairkd("predict", f"folder={job}", "data.path=parts.csv", "out=parts.csv/a.parquet")
    assert ended.err.startswith("out=parts.csv/a.parquet lies in data.path=parts.csv, whose part")
    assert list(Path("parts.csv").iterdir()) == []
    ended = fairkd("predict", *words, "out=scores.xlsx")
    assert ended.err.startswith("out=scores.xlsx does not say what it is to be; accepted: a name")
    pd.testing.assert_frame_equal(
        pd.read_csv(io.StringIO(Path("new.csv").read_text())).iloc[:, :3],
        new_rows.iloc[:, :3],
        check_dtype=False,
    )


def test_a_student_of_arrays(fairkd: Any, workplace: Path, image_job: Path) -> None:
    rows = np.random.default_rng(0).random((5, 3, 8, 8), dtype=np.float32)
    np.save("rows.npy", rows)
    words = [f"folder={image_job}", "out=scores.csv"]
    ended = fairkd("predict", *words, "data.path=rows.npy")
    assert (ended.code, ended.err) == (0, "")
    own = Student.load(image_job).probabilities(rows)
    np.testing.assert_array_equal(pd.read_csv("scores.csv")[["no", "yes"]], own)
    Path("rows.csv").write_text("a\n1\n")
    np.save("grey.npy", rows[:, 0])
    for path, sentence in {
        "rows.csv": "rows.csv is no array, and this student takes arrays of the shape [rows, 3, 8,",
        "grey.npy": "Rows have the shape [5, 8, 8] and hold float32; accepted: numbers of the shap",
    }.items():
        ended = fairkd("predict", *words, f"data.path={path}", "overwrite=true")
        assert ended.code == 1
        assert ended.err.startswith(sentence)
    ended = fairkd("predict", *words, "data.path=rows.npy", "overwrite=true", "keep=[id]")
    assert ended.err == "keep is of tables, and this student takes arrays; leave it out.\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["data.path=a.csv", "out=b.csv"],
            "No runs are named; give one of run=, sweep=, query=, f",
        ),
        (["run=a", "folder=b", "data.path=a.csv", "out=b.csv"], "run= and folder= are both given"),
        (["run=a", "out=b.csv"], "No data.path is given; write data.path=PATH."),
        (["run=a", "data.path=a.csv"], "No out is given; write out=PATH."),
        (["run=a", "keep=[id,id]"], "keep=[id,id] is not a list of different names"),
        (["run=a", "unknown=maybe"], "unknown=maybe is not known; accepted: accept, refuse."),
        (
            ["run=a", "data.path=a.csv", "out=b.csv", "unfinished=x"],
            "unfinished=x is not known; accepted: refuse, accept.",
        ),
        (["run=a", "data.pth=b"], "Unknown key 'data.pth'; did you mean 'data.path'?"),
    ],
)
def test_wrong_usage(fairkd: Any, workplace: Path, words: list[str], sentence: str) -> None:
    ended = fairkd("predict", *words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(sentence)
    assert list(workplace.iterdir()) == []


def test_help(fairkd: Any) -> None:
    assert fairkd("predict", "--help") == (0, USAGE, "")
    assert max(map(len, USAGE.splitlines())) <= 100
