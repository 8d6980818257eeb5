"""Every repetition of the best configurations, of the control and of the teacher."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from fairkd.reporting import palette
from fairkd.reporting.figures import theme
from fairkd.reporting.figures.dots import PANELS, panels
from fairkd.reporting.figures.figure import Figure
from fairkd.reporting.figures.references import references
from fairkd.reporting.figures.text import hover
from fairkd.reporting.figures.wording import counted, repeated
from fairkd.sweeps.labels import labels
from fairkd.sweeps.numbers import number, with_interval
from fairkd.sweeps.outcome import SEED_KEYS, Measure, Model, Outcome
from fairkd.sweeps.repetitions import distinct
from fairkd.sweeps.summary import Row

MOST_ROWS = 12


@dataclass(frozen=True)
class _Strip:
    """One model's repetitions."""

    name: str
    model: Model
    row: Row

    @property
    def jobs(self) -> list[Outcome]:
        return distinct(self.row.outcomes, self.model)


def stability(rows: Sequence[Row]) -> Figure | None:
    """A point for every repetition; ``None`` where nothing is repeated.

    Args:
        rows: of one comparison, best first.
    """
    if max(row.repetitions for row in rows) < 2:
        return None
    beside = [
        _Strip(model, model, one.row)
        for model in ("control", "teacher")
        for one in references(rows, model)[:1]
    ]
    texts = labels([row.varied for row in rows])
    students = [
        _Strip(text or "student", "student", row) for text, row in zip(texts, rows, strict=True)
    ][: MOST_ROWS - len(beside)]
    strips = [*students, *beside]
    plot, height = panels([strip.name for strip in strips], rows[0].headline)
    for place, measure in enumerate(PANELS, start=1):
        for kind, model in enumerate(("student", "control", "teacher")):
            lines = [n for n, strip in enumerate(strips) if strip.model == model]
            _add_points(plot, strips, lines, measure, place, kind)
        _add_means(plot, strips, measure, place)
    several = any(len(references(rows, strip.model)) > 1 for strip in beside)
    return Figure(
        "stability",
        "Stability over repetitions",
        _caption(rows, students, strips, several),
        theme.finished(plot, height),
    )


def _add_points(
    plot: go.Figure,
    strips: Sequence[_Strip],
    lines: Sequence[int],
    measure: Measure,
    place: int,
    kind: int,
) -> None:
    points = [(n, strips[n], job) for n in lines for job in strips[n].jobs]
    if not points:
        return
    plot.add_scatter(
        x=[job.value(strip.model, "test", measure) for _, strip, job in points],
        y=[n for n, _, _ in points],
        mode="markers",
        name=points[0][1].model,
        legendgroup=points[0][1].model,
        showlegend=place == 1,
        marker={
            "color": palette.colour(kind),
            "symbol": palette.symbol(kind),
            "size": 9,
            "opacity": 0.75,
        },
        hoverinfo="text",
        hovertext=[_hover(strip, job, measure) for _, strip, job in points],
        row=place,
        col=1,
    )


def _hover(strip: _Strip, job: Outcome, measure: Measure) -> str:
    seeds = ", ".join(f"{key}={job.seeds[key]}" for key in SEED_KEYS if key in job.seeds)
    estimate = strip.row.estimate(strip.model, "test", measure)
    return hover(
        strip.name,
        [
            f"{measure} {number(job.value(strip.model, 'test', measure))}",
            seeds,
            f"mean {with_interval(estimate)}",
        ],
    )


def _add_means(plot: go.Figure, strips: Sequence[_Strip], measure: Measure, place: int) -> None:
    plot.add_scatter(
        x=[strip.row.estimate(strip.model, "test", measure).mean for strip in strips],
        y=list(range(len(strips))),
        mode="markers",
        name="mean",
        legendgroup="mean",
        showlegend=place == 1,
        marker={
            "symbol": "line-ns-open",
            "size": 16,
            "color": palette.NEUTRAL,
            "line": {"width": 2},
        },
        hoverinfo="skip",
        row=place,
        col=1,
    )


def _caption(
    rows: Sequence[Row], students: Sequence[_Strip], strips: Sequence[_Strip], several: bool
) -> str:
    shown = counted(len(rows), "configuration")
    if len(students) < len(rows):
        shown = f"the best {len(students)} of {shown}"
    undefined = sum(
        math.isnan(job.value(strip.model, "test", measure))
        for strip in strips
        for job in strip.jobs
        for measure in PANELS
    )
    gaps = f" {counted(undefined, 'undefined value')} not drawn." if undefined else ""
    return (
        f"Every repetition on test, {repeated([strip.row for strip in students])}, of {shown} "
        "(chosen on validation, best on top), beside control and teacher"
        f"{' of the best' if several else ''}; a stroke is the mean."
        f"{gaps}"
    )
