"""A menu that shows one part of a plot's traces at a time."""

from collections.abc import Sequence

import plotly.graph_objects as go

from fairkd.reporting.figures import theme


def chosen_by_menu(
    plot: go.Figure, choices: Sequence[str], each: int, first: int = 0, unit: str | None = None
) -> None:
    """Let a menu choose which traces are seen.

    Args:
        plot: its traces stand in the order of the choices, as many for each; its panels have
            their titles.
        choices: in words, `literal` where they come from data.
        each: how many traces each has.
        first: the choice that is seen before any is made, and in print.
        unit: where the x axis is named after the choice, what follows it.
    """
    shown = [
        [place // each == choice for place in range(len(plot.data))]
        for choice in range(len(choices))
    ]
    for trace, visible in zip(plot.data, shown[first], strict=True):
        trace.visible = visible
    if len(choices) < 2:
        return
    plot.update_layout(
        updatemenus=[
            {
                "active": first,
                "buttons": [
                    {
                        "label": words,
                        "method": "update",
                        "args": [
                            {"visible": visible},
                            {} if unit is None else {"xaxis.title.text": f"{words} {unit}"},
                        ],
                    }
                    for words, visible in zip(choices, shown, strict=True)
                ],
                "direction": "down",
                "pad": {"b": 6 + (theme.PANEL_TITLE if plot.layout.annotations else 0)},
                "showactive": True,
                "x": 0,
                "xanchor": "left",
                "y": 1,
                "yanchor": "bottom",
            }
        ]
    )
