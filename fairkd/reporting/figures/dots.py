"""Named lines of dots, one panel a measure: what a strip plot and a forest plot share."""

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from fairkd.record import Headline
from fairkd.reporting.figures.text import ticks
from fairkd.reporting.figures.wording import axis_words
from fairkd.sweeps.outcome import Measure

PANELS: tuple[Measure, ...] = ("disparity", "accuracy")

_LINE, _AROUND, _LEGEND = 24, 118, 60
_WIDTH, _LINES = 24, 3  # of an axis' title, in characters, which on a phone stands beside names


def panels(names: Sequence[str], headline: Headline, ending: str = "") -> tuple[go.Figure, int]:
    """Two empty panels with a line for each name, the first on top, and their height in pixels.

    The n-th name's line is at y = n.

    Args:
        names: from data; shortened beside the axis.
        headline: which disparity is meant.
        ending: of the axes' titles.
    """
    height = len(PANELS) * (_LINE * len(names) + _AROUND)
    plot = make_subplots(rows=len(PANELS), cols=1, vertical_spacing=_AROUND / height)
    for row, measure in enumerate(PANELS, start=1):
        plot.update_xaxes(title_text=axis_words(measure, headline, ending, _WIDTH, _LINES), row=row)
        plot.update_yaxes(
            tickvals=list(range(len(names))),
            ticktext=ticks(names),
            range=[len(names) - 0.4, -0.6],
            row=row,
        )
    return plot, height + _LEGEND
