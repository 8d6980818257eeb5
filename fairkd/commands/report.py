"""``fairkd report``: what a sweep found, as one page, or as tables for a paper."""

import os
import sys
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from fairkd.commands.asking import STORE_HELP, UsageError, asked, reading
from fairkd.commands.places import check_writable
from fairkd.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from fairkd.reporting.report.document import Report
    from fairkd.tracking.reading import TrackedJob

HELP = f"""\
fairkd report: what a sweep found, in sentences, figures and tables.

  fairkd report sweep=NAME                     one HTML file to open, send or print; it needs no
                                               network, and says what was found first
  fairkd report sweep=NAME threshold=0.05      the best student whose gap is within 0.05
  fairkd report sweep=NAME format=latex        the configurations as tables for a paper (booktabs)
  fairkd report "query=metrics.`test/accuracy` > 0.8"
                                               over any runs, in MLflow's words
  fairkd report run=ID                         of one job

{STORE_HELP}
Options
  sweep=NAME | query=CONDITION | run=ID        exactly one: a sweep's id, or its own run's id or
                                               name; a condition; a run's id or its beginning
  format=html|markdown|latex|csv               html
  threshold=NUMBER                             of the gap; else that of the jobs' constraints, else
                                               0.05
  out=PATH                                     else a name from the sweep, here; - is the terminal
  level=configurations|jobs                    of format=csv: what a row is
  rows=NUMBER                                  of raw rows that flipped (50); 0 for a page without
                                               any row of the data

The student is chosen on validation and told on test.
"""

USAGE_ERROR = 2
FORMATS = {"html": "html", "markdown": "md", "latex": "tex", "csv": "csv"}
"""The endings of their files."""
LEVELS = ("configurations", "jobs")
_WHICH = ("sweep", "query", "run")
_KEYS = (*_WHICH, "format", "threshold", "out", "level", "rows")
_STANDARD_OUTPUT = "-"


def report(arguments: Sequence[str]) -> int:
    """Run ``fairkd report ...`` and return the exit code: 2 for wrong usage.

    Raises:
        FairkdError: there are no such runs, or the report cannot be written.
    """
    if {"-h", "--help"} & set(arguments):
        print(HELP, end="")
        return 0
    try:
        values = asked(arguments, _KEYS)
        _check(values)
        threshold = _threshold(values.get("threshold"))
        rows = _rows(values.get("rows", "50"))
    except UsageError as problem:
        print(f"fairkd report: {problem} See fairkd report --help.", file=sys.stderr)
        return USAGE_ERROR
    _make(values, threshold, rows, arguments)
    return 0


def _check(values: Mapping[str, str]) -> None:
    """Refuse words that do not go together, and choices that there are not.

    Raises:
        UsageError: saying which.
    """
    which = [key for key in _WHICH if key in values]
    if len(which) != 1:
        given = f"{' and '.join(which)} are given" if which else "no runs are given"
        raise UsageError(f"{given}; give exactly one of sweep=, query= and run=.")
    for key, accepted in (("format", tuple(FORMATS)), ("level", LEVELS)):
        if values.get(key, accepted[0]) not in accepted:
            raise UsageError(unknown_name(key, values[key], accepted))
    if "level" in values and values.get("format") != "csv":
        raise UsageError("level= is of format=csv alone; leave it out, or add format=csv.")


def _threshold(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise UsageError(f"threshold={text} is not a number of at least 0.")
    return value


def _rows(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"rows={text} is not a whole number of at least 0.")
    return int(text)


def _make(
    values: Mapping[str, str], threshold: float | None, rows: int, arguments: Sequence[str]
) -> None:
    from fairkd.reporting.report.assemble import Wanted, report_of
    from fairkd.reporting.report.file import write
    from fairkd.reporting.report.formats import written
    from fairkd.reporting.runs import found_runs

    store = reading(values)
    found = found_runs(store, **{key: values.get(key) for key in _WHICH})
    kind = values.get("format", "html")
    out = values.get("out") or _name(values, found.jobs, FORMATS[kind])
    place = None if out == _STANDARD_OUTPUT else Path(out)
    if place is not None:
        _check_place(place)
    made, summary = report_of(
        store,
        found,
        Wanted(threshold, tuple(arguments), figures=kind == "html", rows=rows),
    )
    text = written(kind, values.get("level", LEVELS[0]), made, summary)
    if place is None:
        sys.stdout.write(text)
        return
    write(text, place)
    _tell(made, place, kind)


def _check_place(place: Path) -> None:
    """Refuse, before the work is done, a place that a report may not be written to.

    Raises:
        ConfigError: something else is there, or its folder cannot be written.
    """
    from fairkd.reporting.report.file import is_report
    from fairkd.reporting.report.formats import MARKS

    check_writable("out", place.parent)
    if os.path.lexists(place) and not is_report(place, MARKS):
        raise ConfigError(
            f"out={place} is there already and is not a report of fairkd; give another out, or "
            "remove it."
        )


def _name(values: Mapping[str, str], jobs: "Sequence[TrackedJob]", ending: str) -> str:
    """A file's name from the sweep: ``fairkd-sweep-adult-12-jobs.html``."""
    from fairkd.tracking.slug import slug

    of = values.get("sweep") or (jobs[0].name if "run" in values else f"query-{len(jobs)}-runs")
    return f"fairkd-{slug(of)}.{ending}"


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
