"""Every format with names that would break each of them, and with what a report is made of."""

import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from markdown_it import MarkdownIt

from fairkd.reporting.report.assemble import Wanted, report_of
from fairkd.reporting.report.formats import MARKS, written
from fairkd.reporting.report.html import embedded
from fairkd.reporting.report.latex import escaped
from fairkd.reporting.runs import FoundRuns

NAMES = (
    "<script>alert(1)</script>",
    "</script><!--",
    "a & b \" c ' d ` e | f $ g _ h % i # j ~ k ^ l \\ m { n }",
    "line\u2028separator",
    "x" * 200,
)


@pytest.fixture
def made(kept, measured, configured):
    """A report, and its summary, of two configurations with two seeds and such group names."""
    for weight, hidden in enumerate(NAMES[:2]):
        for seed in range(2):
            student = {"_target_": "fairkd.models.mlp.MLP", "hidden": hidden}
            record = measured(seed=2 * weight + seed, cells=NAMES, classes=("no", "yes"))
            kept.add(f"w{weight}", record, configured(seed=seed, weight=weight, student=student))
    kept.add_parent(NAMES[0], f"hydra.mode=MULTIRUN\nexperiment=debug\nx='{NAMES[0]}' `id`\n")
    return report_of(kept, FoundRuns(tuple(kept.runs)), Wanted(words=(f"sweep={NAMES[2]}",)))


class Seen(HTMLParser):
    """What a browser would make of a page: its scripts, texts of cells, and what it links to."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.cells: list[str] = []
        self.links: list[str] = []
        self.policy = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.links += [
            str(values[key]) for key in ("src", "href", "action", "data") if key in values
        ]
        assert not [key for key in values if key.startswith("on")]
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = str(values["content"])
        if tag == "script":
            self.scripts.append((values, ""))
        if tag == "td":
            self.cells.append("")
        if tag in ("script", "td"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data):
        if self._open and self._open[-1] == "script":
            values, text = self.scripts[-1]
            self.scripts[-1] = values, text + data
        elif self._open:
            self.cells[-1] += data


def test_names_stay_names_in_a_page(made):
    report, summary = made
    page = written("html", "configurations", report, summary)
    seen = Seen(page)
    assert set(NAMES) <= set(seen.cells)
    plots = [
        json.loads(text)
        for values, text in seen.scripts
        if values.get("id", "").startswith("plot-")
    ]
    assert len(plots) == len(report.figures) > 3
    # The settings, the plots, Plotly's library and the page's own lines.
    assert len(seen.scripts) == len(plots) + 3
    for values, text in seen.scripts:
        if "type" in values:
            assert not {"<", "\u2028"} & set(text)
        else:
            assert "alert(1)" not in text


def test_a_page_needs_nothing_beside_it(made):
    page = written("html", "configurations", *made)
    seen = Seen(page)
    assert all(link.startswith("#") for link in seen.links)
    assert seen.policy.startswith("default-src 'none'; ")
    assert "connect-src" not in seen.policy  # so that it falls back to none
    assert not re.search("https?:", seen.policy)
    own = page.split("<script>")[0]
    assert not re.search(r"@import|url\(", own)


def test_a_page_begins_with_the_answer(made):
    report, summary = made
    page = written("html", "configurations", report, summary)
    first = report.findings[0].answer[0]
    assert first.startswith("At 0.05, ")
    assert page.index('<p class="answer">At 0.05, ') < page.index("<figure") < page.index("<table")
    assert page.startswith(MARKS)


def test_names_stay_names_in_markdown(made):
    seen = Seen(MarkdownIt().enable("table").render(written("markdown", "configurations", *made)))
    assert not seen.scripts
    assert not seen.links
    shown = {" ".join(cell.replace("\ufffd", " ").split()) for cell in seen.cells}
    assert {" ".join(name.split()) for name in NAMES} <= shown


def test_names_stay_names_in_latex(made):
    text = written("latex", "configurations", *made)
    code = [line for line in text.splitlines() if not line.startswith("%")]
    bare = re.sub(r"\\[a-zA-Z]+(\{\})?|\\[^a-zA-Z]", "", "\n".join(code))
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    assert not {"_", "#", "~", "^", "<", ">", "%", '"'} & set(bare)
    rows = [line for line in code if line.endswith(r"\\")]
    assert len({len(re.findall(r"(?<!\\)&", row)) for row in rows}) == 1
    assert r"\textless{}script\textgreater{}alert(1)" in text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a_b & 5% #1", r"a\_b \& 5\% \#1"),
        ("\\input{x}", r"\textbackslash{}input\{x\}"),
        (
            "$x^2$ ~ `y`",
            r"\$x\textasciicircum{}2\$ \textasciitilde{} \textasciigrave{}y\textasciigrave{}",
        ),
        ("é ł\nü", "é ł ü"),
        ("\u4e2d\u202e", "[U+4E2D][U+202E]"),
        ("±†", r"$\pm$$\dagger$"),
    ],
)
def test_text_in_latex(text, code):
    assert escaped(text) == code


def test_json_ends_no_script():
    text = json.dumps({"a</script>&": "\u2028\u2029<!--"}, ensure_ascii=False)
    safe = embedded(text)
    assert not set("<>&\u2028\u2029") & set(safe)
    assert json.loads(safe) == json.loads(text)


@pytest.mark.parametrize(
    ("level", "rows", "first"), [("configurations", 2, "rank"), ("jobs", 4, "job")]
)
def test_csv_is_tidy(made, tmp_path, level, rows, first):
    file = tmp_path / "report.csv"
    file.write_text(written("csv", level, *made))
    table = pd.read_csv(file)
    assert (len(table), table.columns[0]) == (rows, first)
    assert set(table["student.hidden"]) == set(NAMES[:2])


def test_what_a_paper_needs(made):
    report, _ = made
    (paper,) = report.papers
    assert paper.headings == (
        "model", "hidden", "w", "accuracy", "gap", "accuracy change", "gap change",
    )  # fmt: skip
    assert "Means over 2 repetitions (" in paper.caption


def test_other_formats_are_a_mistake_of_the_caller(made):
    with pytest.raises(ValueError, match="Unknown format 'pdf'"):
        written("pdf", "jobs", *made)
