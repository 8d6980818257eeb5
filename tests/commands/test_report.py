"""``fairkd report``, from the command line."""

from pathlib import Path
from typing import Any

import pytest


def test_a_page_and_what_to_do_next(fairkd: Any, tracked: list[str], workplace: Path) -> None:
    ended = fairkd("report", "sweep=s", "threshold=0.9")
    assert (ended.code, ended.err) == (0, "")
    first, place, *following = ended.out.splitlines()
    file = workplace / "fairkd-report-s.html"
    assert first.startswith("At 0.9, the best student that holds (w=")
    assert place == f"report  {file}"
    assert following[0] == f"next    open it in a browser: {file.as_uri()}"
    assert following[1].startswith("        fairkd check run=")
    assert file.read_text().startswith("<!doctype html>")
    assert fairkd("report", "sweep=s").code == 0  # a report may be written over


def test_other_formats_and_runs(fairkd: Any, tracked: list[str], workplace: Path) -> None:
    assert fairkd("report", f"run={tracked[0][:12]}", "format=markdown").code == 0
    (file,) = workplace.glob("fairkd-report-w0_s0-*.md")
    assert "# arrests: 1 configuration of a distilled student" in file.read_text()
    query = "query=tags.`fairkd.data` = 'arrests'"
    assert fairkd("report", query, "format=latex", "out=new/table.tex").code == 0
    assert (workplace / "new" / "table.tex").read_text().startswith("% fairkd report\n")
    ended = fairkd("report", "sweep=s", "format=csv", "out=-", "level=jobs")
    assert ended.out.startswith("job,name,status,")
    assert len(ended.out.splitlines()) == 5


def test_nothing_else_is_written_over(fairkd: Any, tracked: list[str], workplace: Path) -> None:
    (workplace / "thesis.html").write_text("<!doctype html>")
    ended = fairkd("report", "sweep=s", "out=thesis.html")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        "out=thesis.html is there already and does not begin as a report of fairkd; give another "
        "out, or remove it.\n"
    )
    assert (workplace / "thesis.html").read_text() == "<!doctype html>"
    assert fairkd("report", "sweep=s", "format=csv", "out=jobs.csv", "level=jobs").code == 0
    assert fairkd("report", "sweep=s", "format=csv", "out=jobs.csv").code == 1
    assert (workplace / "jobs.csv").read_text().startswith("job,name,status,")
    ended = fairkd("report", "sweep=s", "out=thesis.html/report.html")
    assert ended.code == 1
    assert "thesis.html is a file. Set out to another place." in ended.err


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ((), 2, "No runs are named; give one of run=, sweep=, query=."),
        (("sweep=s", "run=a"), 2, "run= and sweep= are both given"),
        (("sweep=s", "format=pdf"), 2, "format=pdf is not known; accepted: html, markdown, "),
        (("sweep=s", "threshold=x"), 2, "threshold=x is not a number of at least 0; write"),
        (("sweep=s", "threshold=-1"), 2, "threshold=-1 is not a number of at least 0; write"),
        (("sweep=s", "rows=many"), 2, "rows=many is not a whole number of at least 0."),
        (("sweep=s", "level=jobs"), 2, "level=jobs is of format=csv alone"),
        (("sweep=s", "title=x"), 2, "Unknown key 'title'"),
        (("sweep=t",), 1, "There is no sweep in "),
        (("run=nothing",), 1, "There is no run nothing in "),
        (("query=tags.`fairkd.data` = 'adult'",), 1, "query=tags.`fairkd.data` = 'adult' finds no"),
    ],
)
def test_wrong_words_get_a_sentence(
    fairkd: Any, tracked: list[str], words: tuple[str, ...], code: int, sentence: str
) -> None:
    ended = fairkd("report", *words)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith(sentence)
    assert ended.err.count("\n") == 1


def test_no_store(fairkd: Any, workplace: Path) -> None:
    ended = fairkd("report", "sweep=s")
    assert ended.code == 1
    assert ended.err.startswith(f"There is no tracking store {workplace / 'mlflow.db'}")


def test_help(fairkd: Any) -> None:
    ended = fairkd("report", "--help")
    assert ended.code == 0
    assert "fairkd report sweep=NAME" in ended.out
    assert all(len(line) <= 100 for line in ended.out.splitlines())
