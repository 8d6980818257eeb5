"""A report before it is written in some format: plain texts, tables and figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from fairkd.reporting.figures.figure import Figure

ABSENT = "-"
"""The text of a cell that could have had a number."""


@dataclass(frozen=True)
class Cell:
    """A table's cell.

    Attributes:
        text: plain.
        value: what it is sorted by; ``None`` sorts by the text.
        half_width: of the interval around the value, where it is one of means over repetitions.
    """

    text: str
    value: float | None = None
    half_width: float | None = None


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: a slug, unique in a report.
        title: plain.
        caption: what the numbers are, in sentences.
        headings: one a column.
        rows: their cells.
        marked: the places of the rows that the answer is about.
    """

    name: str
    title: str
    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    marked: frozenset[int] = frozenset()

    @cached_property
    def numeric(self) -> tuple[bool, ...]:
        """Of each column, whether its cells are numbers."""
        return tuple(self._is_numeric(column) for column in range(len(self.headings)))

    def _is_numeric(self, column: int) -> bool:
        cells = [row[column] for row in self.rows if row[column].text not in ("", ABSENT)]
        return bool(cells) and all(cell.value is not None for cell in cells)


@dataclass(frozen=True)
class Finding:
    """What one comparison says.

    Attributes:
        comparison: what is compared; empty where there is only one.
        answer: the sentences that a reader wants first.
        basis: what they rest on.
    """

    comparison: str
    answer: tuple[str, ...]
    basis: tuple[str, ...]


@dataclass(frozen=True)
class Command:
    """A command to type.

    Attributes:
        purpose: what it does, in a few words.
        line: quoted for a shell.
        is_next: whether a reader of the answer may want it.
    """

    purpose: str
    line: str
    is_next: bool = False


@dataclass(frozen=True)
class Report:
    """Everything that a report shows.

    Attributes:
        title: plain.
        subtitle: how much of what.
        findings: one a comparison.
        notes: on the sweep as a whole.
        figures: in their order.
        tables: in their order; the first ones are of the configurations.
        papers: tables of the configurations that fit into a paper.
        made: names and values of how it came to be.
        commands: that do it again, and what to do next.
    """

    title: str
    subtitle: str
    findings: Sequence[Finding]
    notes: Sequence[str]
    figures: Sequence[Figure]
    tables: Sequence[Table]
    papers: Sequence[Table]
    made: Sequence[tuple[str, str]]
    commands: Sequence[Command]
