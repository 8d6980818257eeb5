"""What ``fairkd predict`` shows of the rows that it scored."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fairkd.errors import ConfigError

if TYPE_CHECKING:
    from rich.progress import Progress

    from fairkd.serving.scoring import Scoring
    from fairkd.serving.student import Student

_SHOWN = 3


@contextmanager
def progress() -> "Iterator[Progress]":
    """A bar on a terminal, and nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        yield bar


def told(student: "Student", scoring: "Scoring", origin: str) -> list[str]:
    """What was scored, what was missing and what was unknown, a line each."""
    lines = [f"rows     {scoring.rows:,} of {origin}", decided(student)]
    missing = [f"{name} {count:,}" for name, count in scoring.missing.items() if count]
    lines += listed("missing", missing, "values in these columns")
    for name, found in scoring.unknown.items():
        if found:
            named = ", ".join(f"'{value}'" for value, _ in found.most_common(_SHOWN))
            more = len(found) - _SHOWN
            lines.append(
                f"unknown  {name}: {found.total():,} rows hold {named}"
                f"{f' and {more:,} more values' if more > 0 else ''}, which no training row had; "
                "they count as none of those known"
            )
    return lines


def decided(student: "Student") -> str:
    """How the decided class is chosen."""
    described = student.description
    if described.threshold is None:
        return f"decided  the most likely of {', '.join(described.classes)}"
    return f"decided  {described.classes[1]} from a probability of {described.threshold:g} on"


def listed(what: str, names: Sequence[str], of: str = "columns") -> list[str]:
    """A line of names, or none where there are none."""
    return [f"{what:<8} {of}: {', '.join(names)}"] if names else []


def check_kept(student: "Student", keep: Sequence[str]) -> None:
    """Refuse columns that go by the name of a score.

    Raises:
        ConfigError: naming the column.
    """
    from fairkd.serving.scoring import DECISION

    for name in keep:
        if name in (*student.description.classes, DECISION):
            raise ConfigError(
                f"keep={name} would be two columns '{name}' beside each other, for the scores have "
                "one; rename it in the file, or leave it out of keep."
            )
