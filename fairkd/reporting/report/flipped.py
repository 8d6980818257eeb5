"""The rows that the chosen student decides wrongly and its control rightly, or the reverse."""

import csv
import io
from collections.abc import Sequence

from fairkd.reporting.report.configurations import varied_cell
from fairkd.reporting.report.document import Table

ARTIFACT = "flipped.csv"
"""Where a run keeps them: `fairkd.evaluation.flipped.Flipped.table`."""


def flipped_table(text: str, name: str, most: int) -> Table:
    """The first flipped rows, harmful ones first, with their raw features.

    Args:
        text: of the artifact.
        name: of the table.
        most: how many rows are shown.
    """
    headings, *lines = csv.reader(io.StringIO(text))
    shown = _shown(headings, lines)[:most]
    more = f" {len(lines) - len(shown):,} more are in {ARTIFACT} of the run." * (
        len(lines) > len(shown)
    )
    return Table(
        name=name,
        title="Flipped rows",
        caption=(
            "Rows of test that were decided rightly by the reference and wrongly by the student "
            "(harmful), or the reverse (beneficial); those first in which the true label's "
            f"probability changed most.{more} They are raw rows of the data: mind who gets this "
            "page, or make it with rows=0."
        ),
        headings=tuple(heading.replace("_", " ") for heading in headings),
        rows=tuple(tuple(varied_cell(value) for value in line) for line in shown),
    )


def _shown(headings: Sequence[str], lines: Sequence[list[str]]) -> list[list[str]]:
    """Against the control first: against the teacher, a smaller model alone makes some."""
    reference = headings.index("reference")
    return sorted(lines, key=lambda line: line[reference] != "control")
