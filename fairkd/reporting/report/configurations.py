"""The table of a comparison's configurations, each beside its control and its teacher."""

import math

from fairkd.reporting.report.comparison import Compared
from fairkd.reporting.report.document import Cell, Table
from fairkd.reporting.report.raw import raw_cell
from fairkd.sweeps.estimate import Estimate
from fairkd.sweeps.labels import columns
from fairkd.sweeps.numbers import UNDEFINED, number, with_half
from fairkd.sweeps.outcome import MEASURES
from fairkd.sweeps.summary import Row

FRONT = "*"


def configurations_table(found: Compared, name: str, confidence: float) -> Table:
    """One row a configuration, best first.

    Args:
        found: the comparison.
        name: of the table.
        confidence: of the intervals.
    """
    varied = columns([row.varied for row in found.rows])
    subject = found.subject
    return Table(
        name=name,
        title="Configurations",
        caption=_caption(found, confidence),
        headings=(
            "front",
            *varied,
            "n",
            "accuracy",
            "gap",
            "accuracy change, points",
            "gap change, points",
            f"within {found.threshold:g} on validation",
            f"within {found.threshold:g} on test",
            *(f"{model}'s {what}" for model in ("control", "teacher") for what in _WHAT),
        ),
        rows=tuple(
            _cells(row, found.threshold, {key: texts[place] for key, texts in varied.items()})
            for place, row in enumerate(found.rows)
        ),
        marked=frozenset(place for place, row in enumerate(found.rows) if row is subject),
    )


_WHAT = ("accuracy", "gap")


def estimate_cell(estimate: Estimate) -> Cell:
    """A mean with its interval: ``0.839 ± 0.004``, or ``0.031 [0.010, 0.052]`` over test rows."""
    return Cell(f"{with_half(estimate)}{_of_all(estimate)}", estimate.mean, estimate.half_width)


def points_cell(estimate: Estimate) -> Cell:
    """A change in points with its interval: ``-0.6 ± 0.2``."""
    found = estimate.times(100)
    text = f"{with_half(found, 1, signed=True)}{_of_all(found)}"
    return Cell(text, found.mean, found.half_width)


def _cells(row: Row, threshold: float, varied: dict[str, str]) -> tuple[Cell, ...]:
    accuracy, gap = (row.estimate("student", "test", measure) for measure in MEASURES)
    on_validation = row.estimate("student", "validation", "disparity")
    return (
        Cell(FRONT if row.on_front else ""),
        *map(raw_cell, varied.values()),
        Cell(str(row.repetitions), row.repetitions),
        estimate_cell(accuracy),
        estimate_cell(gap),
        *(points_cell(row.minus_control[measure]) for measure in MEASURES),
        _within(on_validation, threshold),
        _within(gap, threshold),
        *(
            Cell(f"{number(beside.mean)}{_of_all(beside)}", beside.mean)
            for model in ("control", "teacher")
            for measure in MEASURES
            for beside in [row.estimate(model, "test", measure)]
        ),
    )


def _within(gap: Estimate, threshold: float) -> Cell:
    value = gap.everywhere
    return Cell(UNDEFINED if math.isnan(value) else "yes" if value <= threshold else "no")


def _of_all(estimate: Estimate) -> str:
    """The repetitions in which a number is defined, if in some but not in all: `` (3 of 4)``."""
    if 0 < estimate.defined < estimate.of:
        return f" ({estimate.defined} of {estimate.of})"
    return ""


def _caption(found: Compared, confidence: float) -> str:
    kinds = {
        estimate.interval
        for row in found.rows
        for measure in MEASURES
        for estimate in (row.estimate("student", "test", measure), row.minus_control[measure])
    }
    texts = [
        "On test, best on validation first, by non-dominated rank (accuracy up, gap down) and then "
        f"by accuracy minus gap; {FRONT} is on the Pareto front."
    ]
    if "repetitions" in kinds:
        texts.append(
            f"± is half of the {confidence:.0%} Student t interval of the mean over n repetitions."
        )
    if "test rows" in kinds:
        texts.append("[a, b] is a single job's own interval over its test rows.")
    texts.append("Changes are paired, the student minus its own control.")
    if any(_of_all(estimate) for row in found.rows for estimate in row.estimates.values()):
        texts.append("(k of n): the number is undefined in the other repetitions.")
    return " ".join(texts)
