"""One look for all figures: the parts that follow the page.

Whatever is drawn for data has colours of `fairkd.reporting.palette`, which stand out on light and
on dark pages. Everything else (text, grid, lines of axes, hover boxes) takes its colours from the
template, and from it alone, so that a page changes them in one call, for its own dark mode and for
print:

    Plotly.relayout(plot, {template: dark ? DARK : LIGHT})

with ``DARK`` and ``LIGHT`` the JSON of ``template(True)`` and ``template(False)``. A figure is made
with the light one, which is also right on paper. `CONFIG` is the third argument of
``Plotly.newPlot``. A figure has a height, and takes the width that it is given.
"""

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from fairkd.reporting import palette

PANEL_TITLE = 18
"""Its height in pixels."""

CONFIG: Mapping[str, Any] = {
    "displaylogo": False,
    "showSendToCloud": False,
    "plotlyServerURL": "",
    "responsive": True,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "svg"},
}
"""What the page hands to ``Plotly.newPlot`` with every figure: nothing leaves the page."""

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif"
_SIZE = 13
_ABOVE, _MENU = 48, 26  # below the mode bar there is room for a panel's title, and for a menu
_INK = {False: "#24292f", True: "#e6e8eb"}
_GRID = {False: "#e3e6ea", True: "#3a3f47"}
_LINE = {False: "#8c939c", True: "#8c939c"}
_BOX = {False: "#ffffff", True: "#22262c"}
_CLEAR = "rgba(0,0,0,0)"


def template(dark: bool = False) -> go.layout.Template:
    """What a page may change about a figure: all colours that are not a mark's."""
    ink, grid, line, box = (colours[dark] for colours in (_INK, _GRID, _LINE, _BOX))
    axis = {
        "automargin": True,
        "gridcolor": grid,
        "linecolor": line,
        "showline": True,
        "tickcolor": line,
        "ticks": "outside",
        "ticklen": 4,
        "title": {"font": {"size": _SIZE}, "standoff": 8},
        "zeroline": False,
    }
    return go.layout.Template(
        data={"bar": [{"error_x": {"color": ink}}]},
        layout={
            "annotationdefaults": {"font": {"color": ink, "size": _SIZE - 1}},
            "coloraxis": {"colorbar": {"outlinewidth": 0, "thickness": 12}},
            "colorway": list(palette.COLOURS),
            "font": {"color": ink, "family": _FONT, "size": _SIZE},
            "hoverlabel": {
                "align": "left",
                "bgcolor": box,
                "bordercolor": line,
                "font": {"color": ink, "family": _FONT, "size": _SIZE - 1},
                "namelength": -1,
            },
            "hovermode": "closest",
            "legend": {"bgcolor": _CLEAR, "font": {"size": _SIZE - 1}},
            "modebar": {"activecolor": ink, "bgcolor": _CLEAR, "color": line},
            "paper_bgcolor": _CLEAR,
            "plot_bgcolor": _CLEAR,
            "shapedefaults": {"label": {"font": {"color": ink, "size": _SIZE - 2}}},
            "updatemenudefaults": {
                "bgcolor": box,
                "bordercolor": line,
                "font": {"color": ink, "size": _SIZE - 1},
            },
            "xaxis": axis,
            "yaxis": axis,
        },
    )


def finished(plot: go.Figure, height: int) -> go.Figure:
    """Give a plot the common look.

    The legend stands below everything else, over the whole width, so that a phone shows the plot
    and not the legend.

    Args:
        plot: is changed.
        height: in pixels, legend included.
    """
    above = _ABOVE
    if plot.layout.updatemenus:
        above += _MENU + (PANEL_TITLE if plot.layout.annotations else 0)
    plot.update_layout(
        template=template(),
        height=height,
        margin={"l": 8, "r": 12, "t": above, "b": 8, "pad": 0},
        dragmode=False,
        legend={
            "orientation": "h",
            "x": 0,
            "xref": "container",
            "y": 0,
            "yanchor": "bottom",
            "yref": "container",
        },
    )
    return plot


def title_panel(plot: go.Figure, row: int, text: str) -> None:
    """Name a panel above it, where a phone has room for it and beside an axis it has not.

    Args:
        plot: with panels in one column.
        row: the panel's, from 1.
        text: `literal` where it comes from data.
    """
    plot.add_annotation(
        text=text,
        align="left",
        showarrow=False,
        x=0,
        xanchor="left",
        xref="paper",
        y=1,
        yanchor="bottom",
        yref=f"y{row if row > 1 else ''} domain",
    )
