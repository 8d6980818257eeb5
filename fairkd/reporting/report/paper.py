"""The configurations of a comparison as a table for a paper: narrow, and complete in itself."""

from collections.abc import Iterator

from fairkd.reporting.report.comparison import Compared
from fairkd.reporting.report.configurations import estimate_cell, points_cell
from fairkd.reporting.report.document import ABSENT, Cell, Table
from fairkd.reporting.report.raw import raw_cell
from fairkd.sweeps.labels import columns
from fairkd.sweeps.outcome import MEASURES, Model
from fairkd.sweeps.summary import Row

CHOSEN = "\N{DAGGER}"
_REFERENCES: tuple[Model, ...] = ("teacher", "control")


def paper_table(found: Compared, name: str, confidence: float) -> Table:
    """Teacher and control where all configurations share them, then the students, best first.

    Args:
        found: the comparison.
        name: of the table.
        confidence: of the intervals.
    """
    varied = columns([row.varied for row in found.rows])
    repeated = {row.repetitions for row in found.rows}
    shared = [model for model in _REFERENCES if _is_shared(found, model)]
    counts = len(repeated) > 1
    blank = [Cell("")] * (len(varied) + counts)
    rows = [
        (Cell(model), *blank, *_numbers(found.rows[0], model), Cell(ABSENT), Cell(ABSENT))
        for model in shared
    ]
    for place, row in enumerate(found.rows):
        mark = f" {CHOSEN}" if row is found.chosen else ""
        rows.append(
            (
                Cell(f"{row.outcomes[0].final}{mark}"),
                *(raw_cell(texts[place]) for texts in varied.values()),
                *([Cell(str(row.repetitions), row.repetitions)] if counts else []),
                *_numbers(row, "student"),
                *(points_cell(row.minus_control[measure]) for measure in MEASURES),
            )
        )
    return Table(
        name=name,
        title="Configurations",
        caption=" ".join(_caption(found, confidence, repeated, shared)),
        headings=(
            *("model", *varied, *(["n"] if counts else [])),
            *("accuracy", "gap", "accuracy change", "gap change"),
        ),
        rows=tuple(rows),
    )


def _is_shared(found: Compared, model: Model) -> bool:
    """Whether all configurations stand beside the same models of a kind."""
    return len({repr(cells) for cells in (_numbers(row, model) for row in found.rows)}) == 1


def _numbers(row: Row, model: Model) -> list[Cell]:
    return [estimate_cell(row.estimate(model, "test", measure)) for measure in MEASURES]


def _caption(
    found: Compared, confidence: float, repeated: set[int], shared: list[Model]
) -> Iterator[str]:
    yield f"Test accuracy and gap ({found.rows[0].comparison}), best on validation first."
    if max(repeated) > 1:
        n = f"{min(repeated)} to {max(repeated)}" if len(repeated) > 1 else f"{max(repeated)}"
        row = found.subject or found.rows[0]
        yield (
            f"Means over {n} repetitions ({row.repetitions_vary}), with half of their "
            f"{confidence:.0%} Student t intervals."
        )
    if min(repeated) == 1:
        yield "Of single jobs, intervals in brackets are over test rows."
    yield "Changes are in points against the student's own control, paired."
    if len(shared) < len(_REFERENCES):
        yield "Configurations that differ in their teacher or control are not shown beside one."
    if found.chosen is not None:
        yield (
            f"{CHOSEN} The most accurate on validation among those whose gap there is within "
            f"{found.threshold:g}."
        )
