"""A report as Markdown."""

from collections.abc import Iterator

from fairkd.reporting.markdown import block, plain, table
from fairkd.reporting.report.document import Report, Table

MARK = "<!-- fairkd report -->"
"""How the text of every such report begins."""

_MOST_ROWS = 100


def markdown(report: Report) -> str:
    """The answer, the tables and how it was made; figures are left to the page."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield from (MARK, "", f"# {plain(report.title)}", "", plain(report.subtitle), "")
    for finding in report.findings:
        if finding.comparison:
            yield from (f"## {plain(finding.comparison)}", "")
        first, *more = finding.answer
        yield from (f"**{plain(first)}**", "")
        if more:
            yield from (plain(" ".join(more)), "")
        yield from (plain(" ".join(finding.basis)), "")
    for note in report.notes:
        yield f"- {plain(note)}"
    for one in report.tables:
        yield from ("", f"## {plain(one.title)}", "", plain(one.caption), "")
        yield from _table(one)
    yield from ("", "## How it was made", "")
    for name, value in report.made:
        yield f"- **{plain(name)}**: {plain(value)}"
    for command in report.commands:
        yield from ("", f"{plain(command.purpose)}:", "", block(command.line, "sh"))


def _table(given: Table) -> Iterator[str]:
    rows = [[plain(cell.text) for cell in cells] for cells in given.rows[:_MOST_ROWS]]
    yield table([plain(heading) for heading in given.headings], rows)
    if len(given.rows) > _MOST_ROWS:
        yield from ("", f"{len(given.rows) - _MOST_ROWS:,} more rows are in the page and the CSV.")
