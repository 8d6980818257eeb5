r"""The configurations of a report as LaTeX tables for a paper; they need booktabs alone.

Means stand with half of their interval over repetitions, ``$0.839 \pm 0.004$``. Nothing is bold: a
bold best would claim a difference that the intervals may not show.
"""

import math
from collections.abc import Iterator

from fairkd.reporting.report.document import Cell, Report, Table

MARK = "% fairkd report"
"""How the text of every such report begins."""

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
    "\u2020": r"$\dagger$",
    "\u00b7": r"\textperiodcentered{}",
    "\u00b2": r"\textsuperscript{2}",
    "\u2212": "$-$",
    "\u2013": "--",
}
_LAST_LATIN = "\u017f"


def latex(report: Report) -> str:
    """Every table for a paper as a float, under comments with the answer."""
    return "\n".join(_lines(report)) + "\n"


def escaped(text: str) -> str:
    """Text that means itself in LaTeX, on one line.

    Latin letters with accents stay, for LaTeX reads UTF-8; other letters, for which it lacks a
    font, are told by their number.
    """
    return "".join(map(_letter, " ".join(text.split())))


def _letter(letter: str) -> str:
    if letter in _SPECIAL:
        return _SPECIAL[letter]
    if letter <= _LAST_LATIN and letter.isprintable():
        return letter
    return f"[U+{ord(letter):04X}]"


def _lines(report: Report) -> Iterator[str]:
    yield MARK
    for sentence in (report.title, report.subtitle):
        yield _comment(sentence)
    for finding in report.findings:
        for sentence in (finding.comparison, *finding.answer, *finding.basis):
            if sentence:
                yield _comment(sentence)
    yield r"% Needs \usepackage{booktabs}."
    for table in report.papers:
        yield ""
        yield from _table(table)


def _comment(text: str) -> str:
    return f"% {' '.join(text.split())}"


def _table(table: Table) -> Iterator[str]:
    shown = table.rows[:MOST_ROWS]
    left = len(table.rows) - len(shown)
    more = f" Not shown: {left} more configurations." if left else ""
    yield r"\begin{table}"
    yield r"\centering"
    yield rf"\caption{{{escaped(table.caption + more)}}}"
    yield rf"\label{{tab:{table.name}}}"
    aligned = ["r" if numeric else "l" for numeric in table.numeric]
    yield rf"\begin{{tabular}}{{{''.join(aligned)}}}"
    yield r"\toprule"
    yield _row([escaped(heading) for heading in table.headings])
    yield r"\midrule"
    for cells in shown:
        yield _row([_cell(cell) for cell in cells])
    yield r"\bottomrule"
    yield r"\end{tabular}"
    yield r"\end{table}"


def _row(texts: list[str]) -> str:
    return " & ".join(texts) + r" \\"


def _cell(cell: Cell) -> str:
    """Numbers in mathematics, so that a minus is one; other text as it is."""
    if cell.half_width is not None and not math.isnan(cell.half_width):
        mean, _, rest = cell.text.partition(" \u00b1 ")
        half, space, partly = rest.partition(" ")
        return rf"${mean} \pm {half}${space}{escaped(partly)}"
    if cell.value is not None and cell.text.startswith(("-", "+")):
        number, space, rest = cell.text.partition(" ")
        return f"${escaped(number)}${space}{escaped(rest)}"
    return escaped(cell.text)
