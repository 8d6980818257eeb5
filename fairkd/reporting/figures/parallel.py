"""All configurations as lines over the numbers that vary and what came of them."""

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from fairkd.reporting import palette
from fairkd.reporting.figures import theme
from fairkd.reporting.figures.figure import Figure
from fairkd.reporting.figures.text import short
from fairkd.reporting.figures.varied_numbers import number_of, varied_numbers
from fairkd.reporting.figures.wording import counted, disparity_words, left_out, repeated
from fairkd.sweeps.labels import short_names
from fairkd.sweeps.outcome import MEASURES
from fairkd.sweeps.summary import Row

LEAST_ROWS = 8
MOST_KEYS = 6

_MOST_TICKS = 8
_HEIGHT = 420
_NAME = 14


def parallel(rows: Sequence[Row]) -> Figure | None:
    """A line a configuration; ``None`` below `LEAST_ROWS` of them.

    Args:
        rows: of one comparison.
    """
    keys = varied_numbers(rows)[:MOST_KEYS]
    drawn = [row for row in rows if _is_whole(row, keys)]
    if not keys or len(drawn) < LEAST_ROWS:
        return None
    names = short_names(list(dict.fromkeys(key for row in rows for key in row.varied)))
    of_measures = {
        measure: [row.estimate("student", "test", measure).mean for row in drawn]
        for measure in MEASURES
    }
    plot = go.Figure(
        go.Parcoords(
            dimensions=[
                *(_knob(names[key], [number_of(row, key) or 0.0 for row in drawn]) for key in keys),
                *({"label": name, "values": values} for name, values in of_measures.items()),
            ],
            line={
                "color": of_measures["disparity"],
                "colorscale": palette.SEQUENTIAL,
            },
            rangefont={"color": "rgba(0,0,0,0)"},  # the ticks say as much
        )
    )
    figure = theme.finished(plot, _HEIGHT)
    figure.update_layout(margin={"l": 40, "r": 40, "t": 60, "b": 24})
    return Figure(
        "parallel", "All configurations at once", _caption(rows, drawn, len(keys)), figure
    )


def _is_whole(row: Row, keys: Sequence[str]) -> bool:
    measured = (row.estimate("student", "test", measure).mean for measure in MEASURES)
    return all(number_of(row, key) is not None for key in keys) and not any(
        map(math.isnan, measured)
    )


def _knob(name: str, values: Sequence[float]) -> dict[str, Any]:
    """An axis; few different values stand at equal distances."""
    different = sorted(set(values))
    if len(different) > _MOST_TICKS:
        return {"label": short(name, _NAME), "values": list(values)}
    return {
        "label": short(name, _NAME),
        "values": [different.index(value) for value in values],
        "tickvals": list(range(len(different))),
        "ticktext": [f"{value:g}" for value in different],
    }


def _caption(rows: Sequence[Row], drawn: Sequence[Row], keys: int) -> str:
    missing = left_out(
        len(rows) - len(drawn), len(rows), "configuration", "a value is undefined or no number"
    )
    return (
        f"{counted(len(drawn), 'configuration')} on test over {counted(keys, 'varied number')}, "
        f"means over {repeated(rows)}; disparity ({disparity_words(rows[0].headline)}) is also the "
        f"colour, from blue (low) to orange (high). Drag along an axis to filter.{missing}"
    )
