"""Accuracy against disparity: every configuration, the front, teacher and control, the bounds."""

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from fairkd.reporting import palette
from fairkd.reporting.figures import theme
from fairkd.reporting.figures.figure import Figure
from fairkd.reporting.figures.references import Reference, references
from fairkd.reporting.figures.series import Series, series_of
from fairkd.reporting.figures.text import IN_LEGEND, hover, short
from fairkd.reporting.figures.wording import (
    axis_words,
    counted,
    intervals,
    left_out,
    of_row,
    repeated,
)
from fairkd.sweeps.estimate import Estimate
from fairkd.sweeps.labels import labels
from fairkd.sweeps.numbers import with_interval
from fairkd.sweeps.outcome import MEASURES, Model
from fairkd.sweeps.summary import Row

BOUND = "constraint.threshold"
MOST_BOUNDS = 6
_HEIGHT, _LEGEND_LINE = 480, 8
_TITLE = 38  # characters of a line
_REFERENCES: tuple[Model, ...] = ("control", "teacher")


def frontier(rows: Sequence[Row], threshold: float | None, confidence: float) -> Figure | None:
    """Every configuration of a comparison; ``None`` where no accuracy and disparity is defined.

    Args:
        rows: of one comparison, best first.
        threshold: a bound to draw beside those that the configurations vary.
        confidence: of the intervals.
    """
    drawn = [row for row in rows if _is_defined(*_student(row))]
    if not drawn:
        return None
    plot = go.Figure()
    front = sorted((row for row in drawn if row.on_front), key=_on_validation)
    if len(rows) > 1:
        _add_front(plot, front)
    series = series_of(drawn)
    _add_students(plot, drawn, series)
    for model in _REFERENCES:
        _add_references(plot, references(rows, model))
    for bound in _bounds(rows, threshold):
        plot.add_vline(
            x=bound, line={"color": palette.BAD, "dash": "dash", "width": 1.5}, layer="below"
        )
        plot.add_annotation(
            text=f"bound {bound:g}", showarrow=False, x=bound, y=1, yanchor="bottom", yref="paper"
        )
    headline = rows[0].headline
    plot.update_xaxes(title_text=axis_words("disparity", headline, width=_TITLE, lines=2))
    plot.update_yaxes(title_text=axis_words("accuracy", headline))
    height = _HEIGHT + _LEGEND_LINE * len(series.places)
    return Figure(
        "frontier",
        "Accuracy against disparity",
        _caption(rows, drawn, front, confidence),
        theme.finished(plot, height),
    )


def _student(row: Row) -> tuple[Estimate, Estimate]:
    accuracy, disparity = (row.estimate("student", "test", measure) for measure in MEASURES)
    return accuracy, disparity


def _is_defined(*estimates: Estimate) -> bool:
    return not any(math.isnan(estimate.mean) for estimate in estimates)


def _on_validation(row: Row) -> tuple[float, float]:
    accuracy, disparity = (
        row.estimate("student", "validation", measure).mean for measure in MEASURES
    )
    return disparity, accuracy


def _add_front(plot: go.Figure, front: Sequence[Row]) -> None:
    """Rings around the front's points, connected; the points themselves come on top."""
    plot.add_scatter(
        x=[_student(row)[1].mean for row in front],
        y=[_student(row)[0].mean for row in front],
        mode="lines+markers",
        name="Pareto front",
        legendgroup="front",
        line={"color": palette.NEUTRAL, "width": 2},
        marker={
            "symbol": "circle-open",
            "size": 17,
            "color": palette.NEUTRAL,
            "line": {"width": 2},
        },
        hoverinfo="skip",
    )


def _add_students(plot: go.Figure, rows: Sequence[Row], series: Series) -> None:
    texts = labels([row.varied for row in rows])
    if series.scale is not None:
        _add_points(
            plot,
            rows,
            texts,
            name="configurations",
            marker={
                "color": series.scale,
                "colorscale": palette.SEQUENTIAL,
                "colorbar": {"title": {"text": short(series.heading), "side": "right"}},
                "size": 9,
            },
        )
        return
    for number, (value, places) in enumerate(series.places.items()):
        name = f"{series.heading}={value}" if series.heading else "configurations"
        _add_points(
            plot,
            [rows[place] for place in places],
            [texts[place] for place in places],
            name=short(name, IN_LEGEND),
            marker={"color": palette.colour(number), "symbol": palette.symbol(number), "size": 9},
        )


def _add_points(
    plot: go.Figure, rows: Sequence[Row], texts: Sequence[str], *, name: str, marker: dict[str, Any]
) -> None:
    plot.add_scatter(
        x=[_student(row)[1].mean for row in rows],
        y=[_student(row)[0].mean for row in rows],
        error_x=_bars([_student(row)[1] for row in rows]),
        error_y=_bars([_student(row)[0] for row in rows]),
        mode="markers",
        name=name,
        legendgroup=name,  # entries of groups fill a line of the legend
        marker=marker,
        hoverinfo="text",
        hovertext=[of_row(row, text) for row, text in zip(rows, texts, strict=True)],
    )


def _add_references(plot: go.Figure, found: Sequence[Reference]) -> None:
    """One trace a model, however many different ones there are."""
    known = [one for one in found if _is_defined(*map(one.estimate, MEASURES))]
    if not known:
        return
    (model,) = {one.model for one in known}
    plot.add_scatter(
        x=[one.estimate("disparity").mean for one in known],
        y=[one.estimate("accuracy").mean for one in known],
        error_x=_bars([one.estimate("disparity") for one in known], palette.NEUTRAL),
        error_y=_bars([one.estimate("accuracy") for one in known], palette.NEUTRAL),
        mode="markers",
        name=model,
        legendgroup=model,
        marker={
            "symbol": {"control": "x-open", "teacher": "star-open"}[model],
            "size": 14,
            "color": palette.NEUTRAL,
            "line": {"width": 3},
        },
        hoverinfo="text",
        hovertext=[
            hover(
                f"{model} of {counted(one.rows, 'configuration')}",
                [f"{measure} {with_interval(one.estimate(measure))}" for measure in MEASURES],
            )
            for one in known
        ],
    )


def _bars(estimates: Sequence[Estimate], colour: str = palette.QUIET) -> dict[str, Any]:
    """Error bars from means to the ends of the intervals; none where there is no interval."""
    return {
        "array": [estimate.high - estimate.mean for estimate in estimates],
        "arrayminus": [estimate.mean - estimate.low for estimate in estimates],
        "color": colour,
        "symmetric": False,
        "thickness": 1,
        "width": 0,
    }


def _bounds(rows: Sequence[Row], threshold: float | None) -> list[float]:
    varied = {
        float(value)
        for row in rows
        if isinstance(value := row.varied.get(BOUND), int | float) and not isinstance(value, bool)
    }
    given = set() if threshold is None else {threshold}
    return sorted(given) + sorted(varied - given)[: MOST_BOUNDS - len(given)]


def _caption(
    rows: Sequence[Row], drawn: Sequence[Row], front: Sequence[Row], confidence: float
) -> str:
    estimates = [estimate for row in drawn for estimate in _student(row)]
    missing = left_out(
        len(rows) - len(drawn), len(rows), "configuration", "an accuracy or disparity is undefined"
    )
    return (
        f"{counted(len(rows), 'configuration')} on test, over {repeated(rows)}. "
        f"{intervals(estimates, confidence)}{_told(front) if len(rows) > 1 else ''}"
        f"{_finals(drawn)}{missing}"
    )


def _told(front: Sequence[Row]) -> str:
    return (
        f" {counted(len(front), 'configuration')} on the Pareto front, chosen on validation and "
        "connected in the order of disparity there."
    )


def _finals(rows: Sequence[Row]) -> str:
    """A sentence on what stands in the students' place, if anything does."""
    finals = sorted({outcome.final for row in rows for outcome in row.outcomes})
    return "" if finals == ["student"] else f" In the students' place: {', '.join(finals)}."
