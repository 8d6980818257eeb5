r"""The configurations of a report as LaTeX tables for a paper; they need booktabs alone.

Means stand with half of their interval over repetitions, ``$0.839 \pm 0.004$``. Nothing is bold: a
bold best would claim a difference that the intervals may not show.
"""

from collections.abc import Iterator

from fairkd.reporting.report.document import Cell, Report, Table

MARK = "% fairkd report"
"""By which a file is known to be such a report."""

MOST_ROWS = 40
"""The most rows of one table; a float does not break across pages."""

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "`": r"\textasciigrave{}",
    "\u00b1": r"$\pm$",
    "\u00b7": r"\textperiodcentered{}",
    "\u00b2": r"\textsuperscript{2}",
    "\u2212": "$-$",
    "\u2013": "--",
}


def latex(report: Report) -> str:
    """Every table of configurations as a float, under comments with the answer."""
    return "\n".join(_lines(report)) + "\n"


def escaped(text: str) -> str:
    """Text that means itself in LaTeX, on one line.

    Letters beyond ASCII stay: LaTeX reads UTF-8, and knows those that its font encoding has.
    """
    return "".join(_SPECIAL.get(letter, letter) for letter in " ".join(text.split()))


def _lines(report: Report) -> Iterator[str]:
    yield MARK
    for sentence in (report.title, report.subtitle):
        yield _comment(sentence)
    for finding in report.findings:
        for sentence in (finding.comparison, *finding.answer, *finding.basis):
            if sentence:
                yield _comment(sentence)
    yield r"% Needs \usepackage{booktabs}."
    for table in report.tables:
        if table.name.startswith("configurations"):
            yield ""
            yield from _table(table)


def _comment(text: str) -> str:
    return f"% {' '.join(text.split())}"


def _table(table: Table) -> Iterator[str]:
    columns = [place for place, _ in enumerate(table.headings) if _is_told(table, place)]
    shown = table.rows[:MOST_ROWS]
    left = len(table.rows) - len(shown)
    more = f" Not shown: {left} more configurations." if left else ""
    yield r"\begin{table}"
    yield r"\centering"
    yield rf"\caption{{{escaped(table.caption + more)}}}"
    yield rf"\label{{tab:{table.name}}}"
    yield rf"\begin{{tabular}}{{{''.join('r' if table.is_numeric(p) else 'l' for p in columns)}}}"
    yield r"\toprule"
    yield _row([_heading(table.headings[place]) for place in columns])
    yield r"\midrule"
    for cells in shown:
        yield _row([_cell(cells[place]) for place in columns])
    yield r"\bottomrule"
    yield r"\end{tabular}"
    yield r"\end{table}"


def _is_told(table: Table, column: int) -> bool:
    """Whether a column has anything to say."""
    return any(row[column].text for row in table.rows)


def _row(texts: list[str]) -> str:
    return " & ".join(texts) + r" \\"


def _heading(text: str) -> str:
    return escaped(text)


def _cell(cell: Cell) -> str:
    """Numbers in mathematics, so that a minus is one; other text as it is."""
    mean, sign, half = cell.text.partition(" \u00b1 ")
    if sign:
        return rf"${mean} \pm {half}$"
    if cell.value is not None and cell.text.startswith(("-", "+")):
        number, space, rest = cell.text.partition(" ")
        return f"${number}${space}{escaped(rest)}"
    return escaped(cell.text)
