"""The formats that a report is written in."""

from fairkd.errors import unknown_name
from fairkd.reporting.report import html, latex, markdown
from fairkd.reporting.report.document import Report
from fairkd.sweeps.summary import Summary
from fairkd.sweeps.table import csv_text, frame, jobs_frame

MARKS = (html.MARK, markdown.MARK, latex.MARK)
"""How the text of every report begins but for CSV, which has no place for a mark."""


def written(kind: str, level: str, report: Report, summary: Summary) -> str:
    """A report as text.

    Args:
        kind: ``html``, ``markdown``, ``latex`` or ``csv``.
        level: of CSV: a row for each of ``configurations`` or ``jobs``.
        report: to be written.
        summary: what it is about.

    Raises:
        ValueError: any other kind.
    """
    match kind:
        case "html":
            return html.page(report)
        case "markdown":
            return markdown.markdown(report)
        case "latex":
            return latex.latex(report)
        case "csv":
            return _csv(summary, level)
    raise ValueError(unknown_name("format", kind, ("html", "markdown", "latex", "csv")))


def _csv(summary: Summary, level: str) -> str:
    outcomes = [outcome for row in summary.rows for outcome in row.outcomes]
    return csv_text(jobs_frame(outcomes, []) if level == "jobs" else frame(summary))
