"""The table of a comparison's configurations, each beside its control and its teacher."""

import math

from fairkd.reporting.report.answer import points
from fairkd.reporting.report.comparison import Compared
from fairkd.reporting.report.document import Cell, Table
from fairkd.sweeps.estimate import Estimate
from fairkd.sweeps.labels import columns
from fairkd.sweeps.outcome import MEASURES
from fairkd.sweeps.sentence import number
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
    return Cell(
        f"{number(estimate.mean)}{_interval(estimate, 1, 3)}", estimate.mean, _half(estimate)
    )


def points_cell(estimate: Estimate) -> Cell:
    """A change in points with its interval: ``-0.6 ± 0.2``."""
    text = f"{points(estimate.mean)}{_interval(estimate, 100, 1)}"
    return Cell(text, 100 * estimate.mean, 100 * _half(estimate))


def varied_cell(text: str) -> Cell:
    """A varied value: a number where it is one."""
    try:
        value = float(text)
    except ValueError:
        return Cell(text)
    return Cell(text, value)


def _cells(row: Row, threshold: float, varied: dict[str, str]) -> tuple[Cell, ...]:
    accuracy, gap = (row.estimate("student", "test", measure) for measure in MEASURES)
    on_validation = row.estimate("student", "validation", "disparity").mean
    return (
        Cell(FRONT if row.on_front else ""),
        *map(varied_cell, varied.values()),
        Cell(str(row.repetitions), row.repetitions),
        estimate_cell(accuracy),
        estimate_cell(gap),
        *(points_cell(row.minus_control[measure]) for measure in MEASURES),
        _within(on_validation, threshold),
        _within(gap.mean, threshold),
        *(
            Cell(number(value), value)
            for model in ("control", "teacher")
            for measure in MEASURES
            for value in [row.estimate(model, "test", measure).mean]
        ),
    )


def _within(gap: float, threshold: float) -> Cell:
    return Cell("undefined" if math.isnan(gap) else "yes" if gap <= threshold else "no")


def _interval(estimate: Estimate, scale: float, digits: int) -> str:
    if estimate.interval == "none":
        return ""
    if estimate.interval == "repetitions":
        return f" ± {scale * estimate.half_width:.{digits}f}"
    ends = (
        f"{round(scale * end, digits) + 0.0:.{digits}f}" for end in (estimate.low, estimate.high)
    )
    return f" [{', '.join(ends)}]"


def _half(estimate: Estimate) -> float:
    return estimate.half_width


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
        texts.append("[a, b] is a bootstrap interval over test rows, of a single job.")
    texts.append("Changes are paired, the student minus its own control.")
    return " ".join(texts)
