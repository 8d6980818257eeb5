"""Paired differences to the control: a forest plot with corrected p values."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from fairkd.reporting import palette
from fairkd.reporting.figures import theme
from fairkd.reporting.figures.dots import PANELS, panels
from fairkd.reporting.figures.figure import Figure
from fairkd.reporting.figures.text import hover, literal
from fairkd.reporting.figures.wording import counted, repeated
from fairkd.sweeps.differences import Difference, differences, p_text
from fairkd.sweeps.labels import labels
from fairkd.sweeps.numbers import with_interval
from fairkd.sweeps.summary import Row

MOST_ROWS = 20

_BELOW, _ABOVE, _UNTESTED = "&lt;", "\u2265", "no test"
_COLOURS = {_BELOW: palette.COLOURS[0], _ABOVE: palette.COLOURS[1], _UNTESTED: palette.NEUTRAL}
_SYMBOLS = {_BELOW: "circle", _ABOVE: "circle-open", _UNTESTED: "x-thin"}


def differences_figure(rows: Sequence[Row], confidence: float) -> Figure | None:
    """Student minus control by configuration; ``None`` where nothing is repeated.

    Args:
        rows: of one comparison, best first.
        confidence: of the intervals; a corrected p value below 1 minus it fills a mark.
    """
    found = differences(rows, confidence)
    if all(difference.estimate.interval == "none" for difference in found):
        return None
    names = [text or "student" for text in labels([row.varied for row in rows])][:MOST_ROWS]
    plot, height = panels(names, rows[0].headline, "minus control")
    by_key = {(one.configuration, one.measure): one for one in found}
    for place, measure in enumerate(PANELS, start=1):
        shown = [by_key[row.configuration, measure] for row in rows[:MOST_ROWS]]
        _add_intervals(plot, names, shown, 1 - confidence, place)
        plot.add_vline(x=0, line={"color": palette.NEUTRAL, "width": 1}, layer="below", row=place)
    return Figure(
        "differences",
        "Differences to the control",
        _caption(rows, found, confidence),
        theme.finished(plot, height),
    )


def _add_intervals(
    plot: go.Figure, names: Sequence[str], shown: Sequence[Difference], level: float, place: int
) -> None:
    for kind, colour in _COLOURS.items():
        named = any(trace.legendgroup == kind for trace in plot.data)
        lines = [n for n, one in enumerate(shown) if _kind(one, level) == kind]
        if not lines:
            continue
        estimates = [shown[n].estimate for n in lines]
        plot.add_scatter(
            x=[estimate.mean for estimate in estimates],
            y=lines,
            error_x={
                "array": [estimate.high - estimate.mean for estimate in estimates],
                "arrayminus": [estimate.mean - estimate.low for estimate in estimates],
                "color": colour,
                "symmetric": False,
                "thickness": 1.5,
                "width": 4,
            },
            mode="markers",
            name=kind if kind == _UNTESTED else f"corrected p {kind} {level:.2g}",
            legendgroup=kind,
            showlegend=not named,
            marker={
                "color": colour,
                "symbol": _SYMBOLS[kind],
                "size": 10,
                "line": {"color": colour, "width": 2},
            },
            hoverinfo="text",
            hovertext=[_hover(names[n], shown[n]) for n in lines],
            row=place,
            col=1,
        )


def _kind(one: Difference, level: float) -> str:
    if math.isnan(one.corrected):
        return _UNTESTED
    return _BELOW if one.corrected < level else _ABOVE


def _hover(name: str, one: Difference) -> str:
    tested = one.undefined or literal(f"p: {p_text(one.p)}, corrected: {p_text(one.corrected)}")
    return hover(
        name, [f"{one.measure} minus control {with_interval(one.estimate, signed=True)}", tested]
    )


def _caption(rows: Sequence[Row], found: Sequence[Difference], confidence: float) -> str:
    tests = [one for one in found if not math.isnan(one.p)]
    small = sum(one.corrected < 1 - confidence for one in tests)
    shown = counted(len(rows), "configuration")
    if len(rows) > MOST_ROWS:
        shown = f"the best {MOST_ROWS} of {shown} (on validation)"
    undefined = len(found) - len(tests)
    untested = f" {undefined} {'has' if undefined == 1 else 'have'} no test." if undefined else ""
    return (
        f"Student minus control on test for {shown}, paired over {repeated(rows)}, with "
        f"{confidence:.0%} Student t intervals. After Holm's correction over "
        f"{counted(len(tests), 'paired t test')}, {counted(small, 'difference')} "
        f"{'has' if small == 1 else 'have'} a p value below {1 - confidence:.2g}.{untested}"
    )
