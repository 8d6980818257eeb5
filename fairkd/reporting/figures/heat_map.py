"""Two knobs at once: what each pair of their values changes against the control."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from fairkd.reporting import palette
from fairkd.reporting.figures import theme
from fairkd.reporting.figures.figure import Figure
from fairkd.reporting.figures.temperature import TEMPERATURE
from fairkd.reporting.figures.text import short
from fairkd.reporting.figures.varied_numbers import number_of, other_values, varied_numbers
from fairkd.reporting.figures.wording import axis_words, left_out, of_row, repeated
from fairkd.sweeps.labels import labels, short_names
from fairkd.sweeps.outcome import Measure
from fairkd.sweeps.summary import Row

WEIGHT = "constraint.weight"
LEAST_FILLED = 0.5
"""A search asks for hardly any pair of values twice; a grid has nearly all pairs."""

_MEASURES: tuple[Measure, ...] = ("disparity", "accuracy")
_GOOD_SIGN: Mapping[Measure, int] = {"disparity": -1, "accuracy": 1}
_ROW, _BETWEEN, _AROUND = 34, 60, 180
_MOST_NUMBERED = 12  # columns with room for a number in each cell


def heat_map(rows: Sequence[Row]) -> Figure | None:
    """The student minus its control over two varied numbers; ``None`` where no two form a grid.

    The two are temperature and weight where both vary, else the first pair of keys that fills most
    of its grid. Whatever else varies stands at the best configuration's values.

    Args:
        rows: of one comparison, best first.
    """
    for keys in _pairs(rows):
        cells = _cells(rows, keys)
        if _is_grid(cells):
            return _drawn(rows, keys, cells)
    return None


_Cells = dict[tuple[float, float], Row]


def _pairs(rows: Sequence[Row]) -> list[tuple[str, str]]:
    keys = varied_numbers(rows)
    pairs = list(combinations(keys, 2))
    wanted = (TEMPERATURE, WEIGHT)
    return [wanted, *pairs] if set(wanted) <= set(keys) else pairs


def _cells(rows: Sequence[Row], keys: tuple[str, str]) -> _Cells:
    """The rows by the two values, of those that share the best such one's other values."""
    found: _Cells = {}
    best: Mapping[str, object] | None = None
    for row, others in zip(rows, other_values(rows, keys), strict=True):
        x, y = (number_of(row, key) for key in keys)
        if x is None or y is None:
            continue
        best = others if best is None else best
        if others == best:
            found.setdefault((x, y), row)
    return found


def _is_grid(cells: _Cells) -> bool:
    widths = [len({pair[axis] for pair in cells}) for axis in (0, 1)]
    return min(widths) > 1 and len(cells) >= LEAST_FILLED * widths[0] * widths[1]


def _drawn(rows: Sequence[Row], keys: tuple[str, str], cells: _Cells) -> Figure:
    names = [short_names(list(rows[0].varied))[key] for key in keys]
    across, up = (sorted({pair[axis] for pair in cells}) for axis in (0, 1))
    height = 2 * _ROW * max(3, len(up)) + _AROUND
    plot = make_subplots(rows=2, cols=1, vertical_spacing=_BETWEEN / height)
    for place, measure in enumerate(_MEASURES, start=1):
        _add_map(plot, cells, (across, up), names, measure, place)
        theme.title_panel(plot, place, axis_words(measure, rows[0].headline, "minus control"))
        plot.update_yaxes(
            tickvals=list(range(len(up))),
            ticktext=[f"{value:g}" for value in up],
            title_text=_knob(keys[1], names[1]),
            showgrid=False,
            row=place,
        )
        plot.update_xaxes(
            tickvals=list(range(len(across))),
            ticktext=[f"{value:g}" for value in across],
            showgrid=False,
            row=place,
        )
    plot.update_xaxes(title_text=_knob(keys[0], names[0]), row=2)
    return Figure(
        "heat-map",
        f"What changes over {_knob(keys[0], names[0])} and {_knob(keys[1], names[1])}",
        _caption(rows, keys, cells, len(across) * len(up)),
        theme.finished(plot, height),
    )


def _knob(key: str, name: str) -> str:
    words = {TEMPERATURE: "temperature T", WEIGHT: "constraint weight w"}
    return words.get(key) or short(name)


def _add_map(
    plot: go.Figure,
    cells: _Cells,
    axes: tuple[Sequence[float], Sequence[float]],
    names: Sequence[str],
    measure: Measure,
    place: int,
) -> None:
    across, up = axes
    values = [[_change(cells.get((x, y)), measure) for x in across] for y in up]
    largest = max((abs(v) for line in values for v in line if not math.isnan(v)), default=0.0)
    good_is_low = _GOOD_SIGN[measure] < 0
    plot.add_heatmap(
        x=list(range(len(across))),
        y=list(range(len(up))),
        z=values,
        zmin=-largest or -1,
        zmax=largest or 1,
        colorscale=palette.DIVERGING,
        reversescale=not good_is_low,
        showscale=False,
        xgap=2,
        ygap=2,
        hoverongaps=False,
        hoverinfo="text",
        hovertext=[
            [_hover(cells.get((x, y)), f"{names[0]}={x:g}, {names[1]}={y:g}") for x in across]
            for y in up
        ],
        texttemplate="%{z:+.3f}" if len(across) <= _MOST_NUMBERED else None,
        row=place,
        col=1,
    )


def _change(row: Row | None, measure: Measure) -> float:
    return math.nan if row is None else row.minus_control[measure].mean


def _hover(row: Row | None, label: str) -> str:
    return "" if row is None else of_row(row, label)


def _caption(rows: Sequence[Row], keys: tuple[str, str], cells: _Cells, pairs: int) -> str:
    best = next(place for place, row in enumerate(rows) if row in cells.values())
    others = labels(other_values(rows, keys))[best]
    held = f" Everything else is as in the best configuration ({others})." if others else ""
    undefined = sum(
        math.isnan(row.minus_control[measure].mean)
        for row in cells.values()
        for measure in _MEASURES
    )
    gaps = f" {undefined} undefined values are left empty." if undefined else ""
    missing = left_out(pairs - len(cells), pairs, "pair", "no such configuration finished")
    return (
        "The student minus its control on test, paired by repetition, means over "
        f"{repeated(list(cells.values()))}: blue is better than the control, orange worse, white "
        f"alike.{held}{gaps}{missing}"
    )
