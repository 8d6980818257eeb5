"""The table of students minus their controls, with p values corrected for their number."""

import math

from fairkd.reporting.report.comparison import Compared
from fairkd.reporting.report.configurations import points_cell
from fairkd.reporting.report.document import ABSENT, Cell, Table
from fairkd.reporting.report.raw import raw_cell
from fairkd.sweeps.differences import Difference, differences, p_text
from fairkd.sweeps.labels import columns

_WORDS = {"accuracy": "accuracy", "disparity": "gap"}


def differences_table(found: Compared, name: str, confidence: float) -> Table | None:
    """A row for each configuration and measure; ``None`` where no difference can be tested.

    Args:
        found: the comparison.
        name: of the table.
        confidence: of the intervals.
    """
    tested = differences(found.rows, confidence)
    if all(one.undefined for one in tested):
        return None
    noted = any(one.undefined for one in tested)
    varied = columns([row.varied for row in found.rows])
    places = {row.configuration: place for place, row in enumerate(found.rows)}
    subject = found.subject
    return Table(
        name=name,
        title="Students minus their controls",
        caption=(
            "On test, in points, paired by repetition, with "
            f"{confidence:.0%} Student t intervals and paired t tests. The corrected p values "
            f"(Holm) allow for all {sum(not one.undefined for one in tested)} tests of this table: "
            "the chance that any of those below 0.05 is there by accident is at most 5%."
        ),
        headings=(
            *(*varied, "measure", "student minus control, points", "p", "p corrected"),
            *(["note"] if noted else []),
        ),
        rows=tuple(
            (
                *(raw_cell(texts[places[one.configuration]]) for texts in varied.values()),
                *_cells(one),
                *([Cell(one.undefined)] if noted else []),
            )
            for one in tested
        ),
        marked=frozenset(
            place
            for place, one in enumerate(tested)
            if subject is not None and one.configuration == subject.configuration
        ),
    )


def _cells(one: Difference) -> tuple[Cell, ...]:
    return (
        Cell(_WORDS[one.measure]),
        points_cell(one.estimate),
        _p(one.p),
        _p(one.corrected),
    )


def _p(value: float) -> Cell:
    return Cell(ABSENT if math.isnan(value) else p_text(value), value)
