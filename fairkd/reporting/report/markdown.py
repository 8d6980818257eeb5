"""A report as Markdown."""

import re
from collections.abc import Iterator

from fairkd.reporting.report.document import Report, Table

MARK = "<!-- fairkd report -->"
"""By which a file is known to be such a report."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$^-])")
_MOST_ROWS = 100


def markdown(report: Report) -> str:
    """The answer, the tables and how it was made; figures are left to the page."""
    return "\n".join(_lines(report)) + "\n"


def escaped(text: str) -> str:
    """Text that means itself in Markdown, on one line: no markup, no HTML, no mathematics."""
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", plain)


def _lines(report: Report) -> Iterator[str]:
    yield from (MARK, "", f"# {escaped(report.title)}", "", escaped(report.subtitle), "")
    for finding in report.findings:
        if finding.comparison:
            yield from (f"## {escaped(finding.comparison)}", "")
        first, *more = finding.answer
        yield from (f"**{escaped(first)}**", "")
        if more:
            yield from (escaped(" ".join(more)), "")
        yield from (escaped(" ".join(finding.basis)), "")
    for note in report.notes:
        yield f"- {escaped(note)}"
    for table in report.tables:
        yield from ("", f"## {escaped(table.title)}", "", escaped(table.caption), "")
        yield from _table(table)
    yield from ("", "## How it was made", "")
    for name, value in report.made:
        yield f"- **{escaped(name)}**: {escaped(value)}"
    for command in report.commands:
        yield from ("", f"{escaped(command.purpose)}:", "", *_code(command.line))


def _table(table: Table) -> Iterator[str]:
    yield _row(table.headings)
    yield _row(
        ["---:" if table.is_numeric(place) else ":---" for place in range(len(table.headings))],
        plain=True,
    )
    for cells in table.rows[:_MOST_ROWS]:
        yield _row([cell.text for cell in cells])
    if len(table.rows) > _MOST_ROWS:
        yield from ("", f"{len(table.rows) - _MOST_ROWS:,} more rows in the page and the CSV.")


def _row(texts: "tuple[str, ...] | list[str]", *, plain: bool = False) -> str:
    return f"| {' | '.join(texts if plain else map(escaped, texts))} |"


def _code(line: str) -> Iterator[str]:
    """A block whose fence is longer than any run of backticks within."""
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (f"{fence}sh", line, fence)
