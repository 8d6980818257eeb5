"""``fairkd report``: what a sweep found, as one page, or as tables for a paper."""

import sys
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from fairkd.commands.asking import (
    RUN_KEYS,
    RUNS_HELP,
    STORE_HELP,
    UsageError,
    asked,
    choice_of,
    reading,
    threshold_of,
    which_runs,
)
from fairkd.commands.places import check_out

if TYPE_CHECKING:
    from fairkd.reporting.report.document import Report
    from fairkd.tracking.reading import TrackedJob

USAGE = f"""\
fairkd report: what a sweep found, in sentences, figures and tables.

  fairkd report sweep=NAME                     one HTML file to open, send or print; it needs no
                                               network, and says what was found first
  fairkd report sweep=NAME threshold=0.05      the best student whose gap is within 0.05
  fairkd report sweep=NAME format=latex        the configurations as a table for a paper (booktabs)
  fairkd report run=ID                         one job alone

The student is chosen on validation and told on test. Nothing is written over but a report
(a CSV is never: it cannot say that it is one).

{RUNS_HELP}{STORE_HELP}
How
  format=html|markdown|latex|csv
  threshold=NUMBER            of the gap (else that of the jobs' bounds, else 0.05)
  out=PATH                    else a name from the sweep, here; out=- prints it
  rows=NUMBER                 of raw rows that flipped (50); 0 for a page without rows of the data
  level=configurations|jobs   what a row of format=csv is
"""

ENDINGS = {"html": "html", "markdown": "md", "latex": "tex", "csv": "csv"}
"""Of the files, by format."""
LEVELS = ("configurations", "jobs")
_KEYS = (*RUN_KEYS, "format", "threshold", "out", "rows", "level")
_ROWS = "50"
_STANDARD_OUTPUT = "-"


def report(arguments: Sequence[str]) -> int:
    """Run ``fairkd report ...`` and return the exit code.

    Raises:
        UsageError: the words are not what the command accepts.
        FairkdError: there are no such runs, or the report cannot be written.
    """
    if {"-h", "--help"} & set(arguments):
        print(USAGE, end="")
        return 0
    values = asked(arguments, _KEYS)
    which = which_runs(values)
    kind = choice_of(values, "format", tuple(ENDINGS))
    level = choice_of(values, "level", LEVELS)
    if "level" in values and kind != "csv":
        raise UsageError(f"level={level} is of format=csv alone; leave it out or add format=csv.")
    threshold = threshold_of(values, RUN_KEYS)
    rows = _rows(values.get("rows", _ROWS))
    store = reading(values)

    from fairkd.reporting.report.assemble import Wanted, report_of
    from fairkd.reporting.report.file import write
    from fairkd.reporting.report.formats import MARKS, written
    from fairkd.reporting.runs import found_runs

    found = found_runs(store, **which)
    out = values.get("out") or _name(which, found.jobs, ENDINGS[kind])
    if out != _STANDARD_OUTPUT:
        check_out(Path(out), "report", MARKS)
    wanted = Wanted(threshold, tuple(arguments), figures=kind == "html", rows=rows)
    made, summary = report_of(store, found, wanted)
    text = written(kind, level, made, summary)
    if out == _STANDARD_OUTPUT:
        sys.stdout.write(text)
        return 0
    write(text, Path(out))
    _tell(made, Path(out), kind)
    return 0


def _rows(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"rows={text} is not a whole number of at least 0.")
    return int(text)


def _name(which: Mapping[str, str], jobs: "Sequence[TrackedJob]", ending: str) -> str:
    """A file's name from the sweep: ``fairkd-report-adult.html``."""
    from fairkd.tracking.slug import slug

    of = which.get("sweep") or (jobs[0].name if "run" in which else f"{len(jobs)}-runs")
    return f"fairkd-report-{slug(of)}.{ending}"


def _tell(made: "Report", place: Path, kind: str) -> None:
    for finding in made.findings:
        if finding.comparison:
            print(f"{finding.comparison}:")
        print(" ".join(finding.answer))
    print(f"report  {place.absolute()}")
    lines = [command.line for command in made.commands if command.is_next]
    if kind == "html":
        lines.insert(0, f"open it in a browser: {place.absolute().as_uri()}")
    for name, line in zip_longest(("next",), lines, fillvalue=""):
        print(f"{name:<8}{line}")
