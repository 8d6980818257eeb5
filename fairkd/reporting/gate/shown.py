"""Verdicts as a person or a machine reads them."""

import json
import math
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fairkd.reporting import markdown
from fairkd.reporting.gate.verdicts import Verdict
from fairkd.sweeps.estimate import Estimate
from fairkd.sweeps.numbers import UNDEFINED

_HEADINGS = ("condition", "value", "interval", "slack", "holds")
_NONE = "-"


def as_text(verdicts: Sequence[Verdict], bounds: bool) -> str:
    """Aligned columns that do not depend on a terminal, then what they mean, a line each."""
    headings, rows = _table(verdicts)
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (headings, *rows)
    ]
    return "\n".join([*_about(verdicts), *lines, *_meaning(verdicts, bounds)]) + "\n"


def show(verdicts: Sequence[Verdict], bounds: bool, console: Console) -> None:
    """The same on a terminal."""
    headings, rows = _table(verdicts)
    table = Table(
        title="\n".join(map(escape, _about(verdicts))),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    for heading in headings:
        right = heading in ("value", "slack")
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for verdict, row in zip(verdicts, rows, strict=True):
        style = "green" if verdict.holds else "bold red"
        table.add_row(*map(escape, row[:-1]), f"[{style}]{row[-1]}[/{style}]")
    console.print(table)
    console.print()
    for line in _meaning(verdicts, bounds):
        console.print(line, markup=False, highlight=False)


def as_markdown(verdicts: Sequence[Verdict], bounds: bool) -> str:
    """A heading that says whether all hold, the table, and what it means."""
    headings, rows = _table(verdicts)
    holds = all(verdict.holds for verdict in verdicts)
    cells = [
        [*map(markdown.plain, row[:-1]), row[-1] if verdict.holds else f"**{row[-1]}**"]
        for verdict, row in zip(verdicts, rows, strict=True)
    ]
    parts = [
        f"### Check: {'every condition holds' if holds else 'a condition does not hold'}",
        *map(markdown.plain, _about(verdicts)),
        markdown.table(headings, cells, numbers=False),
        *map(markdown.plain, _meaning(verdicts, bounds)),
    ]
    return "\n\n".join(parts) + "\n"


def as_json(verdicts: Sequence[Verdict], bounds: bool) -> str:
    """One object; an undefined number is ``null``."""
    return (
        json.dumps(
            {
                "holds": all(verdict.holds for verdict in verdicts),
                "compared": "bound" if bounds else "value",
                "conditions": [_plain(verdict) for verdict in verdicts],
            },
            indent=1,
            ensure_ascii=False,
            allow_nan=False,
        )
        + "\n"
    )


def _plain(verdict: Verdict) -> dict[str, Any]:
    condition, found = verdict.condition, verdict.estimate
    numbers = {
        "bound": condition.bound,
        "value": found.mean,
        "low": found.low,
        "high": found.high,
        "compared": verdict.compared,
        "slack": verdict.slack,
    }
    return {
        "subject": verdict.subject.name,
        "run_ids": [job.run.run_id for job in verdict.subject.jobs],
        "metric": condition.metric,
        "sign": condition.sign,
        **{name: value if math.isfinite(value) else None for name, value in numbers.items()},
        "interval": found.interval,
        "defined": found.defined,
        "of": found.of,
        "holds": verdict.holds,
    }


def _table(verdicts: Sequence[Verdict]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and rows; of one subject it is said above them, of several in a column."""
    rows: list[tuple[str, ...]] = [
        (
            str(verdict.condition),
            _value(verdict.estimate),
            _interval(verdict.estimate),
            _NONE if math.isnan(verdict.slack) else f"{verdict.slack:+.3g}",
            "yes" if verdict.holds else "no",
        )
        for verdict in verdicts
    ]
    if _alone(verdicts):
        return _HEADINGS, rows
    names = [verdict.subject.name.removeprefix("run ") for verdict in verdicts]
    return ("run", *_HEADINGS), [(name, *row) for name, row in zip(names, rows, strict=True)]


def _about(verdicts: Sequence[Verdict]) -> list[str]:
    return [verdicts[0].subject.name] if _alone(verdicts) else []


def _alone(verdicts: Sequence[Verdict]) -> bool:
    return len({id(verdict.subject) for verdict in verdicts}) == 1


def _value(found: Estimate) -> str:
    if found.defined == 0:
        return UNDEFINED
    partly = f" ({UNDEFINED} in {found.of - found.defined} of {found.of})"
    return f"{found.mean:.6g}{partly if found.defined < found.of else ''}"


def _interval(found: Estimate) -> str:
    if found.interval == "none":
        return _NONE
    return f"[{found.low:.6g}, {found.high:.6g}] over {found.interval}"


def _meaning(verdicts: Sequence[Verdict], bounds: bool) -> list[str]:
    """What the intervals are, what was compared, and the answer."""
    basis = list(dict.fromkeys(verdict.subject.basis for verdict in verdicts))
    compared = "Compared is the end of the interval that is worse for the condition."
    broken = [verdict for verdict in verdicts if not verdict.holds]
    total = len(verdicts)
    if not broken:
        answer = "The condition holds." if total == 1 else f"All {total} conditions hold."
    else:
        verb = "does" if len(broken) == 1 else "do"
        answer = f"{len(broken)} of {total} conditions {verb} not hold."
        runs = len({id(verdict.subject) for verdict in verdicts})
        if runs > 1:
            failing = len({id(verdict.subject) for verdict in broken})
            answer += f" {failing} of {runs} runs fail."
    return [*basis, *([compared] if bounds else []), answer]
