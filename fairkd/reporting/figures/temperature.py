"""What temperature does: disparity and accuracy against it, beside the control."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from fairkd.reporting import palette
from fairkd.reporting.figures import theme
from fairkd.reporting.figures.figure import Figure
from fairkd.reporting.figures.references import references
from fairkd.reporting.figures.text import IN_LEGEND, short
from fairkd.reporting.figures.varied_numbers import number_of, other_values
from fairkd.reporting.figures.wording import axis_words, counted, intervals, of_row, repeated
from fairkd.sweeps.estimate import Estimate
from fairkd.sweeps.labels import labels
from fairkd.sweeps.outcome import Measure
from fairkd.sweeps.summary import Row

TEMPERATURE = "distillation.temperature"
SCALING = "distillation.temperature_scaling"
MOST_LINES = 6

_SCALED: Mapping[str, str] = {"squared": "with T\u00b2", "none": "without T\u00b2"}
_MEASURES: tuple[Measure, ...] = ("disparity", "accuracy")
_WIDE = 8  # from so many times the smallest temperature, a logarithmic axis
_HEIGHT = 620


@dataclass(frozen=True)
class _Line:
    """The configurations that differ in nothing but the temperature."""

    name: str
    rows: list[Row]

    @property
    def temperatures(self) -> list[float]:
        return [_temperature(row) for row in self.rows]


def temperature(rows: Sequence[Row], confidence: float) -> Figure | None:
    """A line for each setting of everything else; ``None`` where no two temperatures compare.

    Args:
        rows: of one comparison, best first; the lines are those of the best rows.
        confidence: of the intervals.
    """
    found = _lines([row for row in rows if number_of(row, TEMPERATURE) is not None])
    lines = found[:MOST_LINES]
    if not lines:
        return None
    plot = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.12)
    for place, measure in enumerate(_MEASURES, start=1):
        _add_controls(plot, [row for line in lines for row in line.rows], measure, place)
        for number, line in enumerate(lines):
            _add_line(plot, line, number, measure, place)
        theme.title_panel(plot, place, axis_words(measure, rows[0].headline))
    _scale_temperatures(plot, sorted({T for line in lines for T in line.temperatures}))
    shown = [row for line in lines for row in line.rows]
    return Figure(
        "temperature",
        "What temperature does",
        _caption(shown, len(lines), len(found), confidence),
        theme.finished(plot, _HEIGHT),
    )


def _temperature(row: Row) -> float:
    value = number_of(row, TEMPERATURE)
    assert value is not None
    return value


def _lines(rows: Sequence[Row]) -> list[_Line]:
    """Those with at least two temperatures, in the order of their best row."""
    others = other_values(rows, [TEMPERATURE])
    names = _names(others)
    by_name: dict[str, list[Row]] = {}
    for name, row in zip(names, rows, strict=True):
        by_name.setdefault(name, []).append(row)
    return [
        _Line(name, sorted(line, key=_temperature))
        for name, line in by_name.items()
        if len({_temperature(row) for row in line}) > 1
    ]


def _names(others: Sequence[Mapping[str, object]]) -> list[str]:
    """Each row's setting of everything but the temperature, in words."""
    without = [{key: v for key, v in values.items() if key != SCALING} for values in others]
    scaled = [_SCALED.get(str(values.get(SCALING)), "") for values in others]
    if len(set(scaled)) < 2:
        return [text or "students" for text in labels(without)]
    return [", ".join(filter(None, pair)) for pair in zip(scaled, labels(without), strict=True)]


def _add_line(plot: go.Figure, line: _Line, number: int, measure: Measure, place: int) -> None:
    estimates = [row.estimate("student", "test", measure) for row in line.rows]
    plot.add_scatter(
        x=line.temperatures,
        y=[estimate.mean for estimate in estimates],
        error_y={
            "array": [estimate.high - estimate.mean for estimate in estimates],
            "arrayminus": [estimate.mean - estimate.low for estimate in estimates],
            "symmetric": False,
            "thickness": 1,
            "width": 3,
        },
        mode="lines+markers",
        name=short(line.name, IN_LEGEND),
        legendgroup=f"line {number}",
        showlegend=place == 1,
        line={"color": palette.colour(number), "dash": palette.dash(number), "width": 2},
        marker={"symbol": palette.symbol(number), "size": 8},
        connectgaps=False,
        hoverinfo="text",
        hovertext=[
            of_row(row, f"T={T:g}, {line.name}")
            for row, T in zip(line.rows, line.temperatures, strict=True)
        ],
        row=place,
        col=1,
    )


def _add_controls(plot: go.Figure, rows: Sequence[Row], measure: Measure, place: int) -> None:
    """Each different control: a line at its mean, and a band over its interval."""
    at = [_temperature(row) for row in rows]
    ends = [min(at), max(at)]
    for number, control in enumerate(references(rows, "control")):
        estimate = control.estimate(measure)
        if math.isnan(estimate.mean):
            continue
        if estimate.interval != "none":
            _add_band(plot, ends, estimate, place)
        plot.add_scatter(
            x=ends,
            y=[estimate.mean, estimate.mean],
            mode="lines",
            name="control",
            legendgroup="control",
            showlegend=place == 1 and number == 0,
            line={"color": palette.NEUTRAL, "dash": "dash", "width": 1.5},
            hoverinfo="skip",
            row=place,
            col=1,
        )


def _add_band(plot: go.Figure, ends: Sequence[float], estimate: Estimate, place: int) -> None:
    plot.add_scatter(
        x=[*ends, *reversed(ends)],
        y=[estimate.low, estimate.low, estimate.high, estimate.high],
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor="rgba(128,128,128,0.18)",
        legendgroup="control",
        showlegend=False,
        hoverinfo="skip",
        row=place,
        col=1,
    )


def _scale_temperatures(plot: go.Figure, found: Sequence[float]) -> None:
    logarithmic = found[0] > 0 and found[-1] / found[0] >= _WIDE
    plot.update_xaxes(
        type="log" if logarithmic else "linear",
        tickvals=list(found),
        ticktext=[f"{T:g}" for T in found],
    )
    plot.update_xaxes(title_text="temperature T", row=2)


def _caption(rows: Sequence[Row], lines: int, of: int, confidence: float) -> str:
    estimates = [row.estimate("student", "test", measure) for row in rows for measure in _MEASURES]
    told = f"the {lines} best of {of} lines" if lines < of else counted(lines, "line")
    controls = len(references(rows, "control"))
    band = f"the control's mean is dashed{', its interval a band' if controls == 1 else ''}"
    if controls > 1:
        band = f"the means of {controls} controls are dashed, their intervals bands"
    undefined = sum(math.isnan(estimate.mean) for estimate in estimates)
    gaps = f" {counted(undefined, 'undefined value')} left as a gap." if undefined else ""
    return (
        f"Disparity and accuracy on test against the temperature, {told}, over {repeated(rows)}; "
        f"{band}. {intervals(estimates, confidence)}{gaps}"
    )
