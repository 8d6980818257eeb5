"""A menu that shows one part of a plot's traces at a time."""

from collections.abc import Sequence

import plotly.graph_objects as go


def chosen_by_menu(
    plot: go.Figure, choices: Sequence[str], each: int, first: int = 0, unit: str = "(test)"
) -> None:
    """Let a menu choose which traces are seen, and name the x axis after the choice.

    Args:
        plot: its traces stand in the order of the choices, as many for each.
        choices: in words, `literal` where they come from data.
        each: how many traces each has.
        first: the choice that is seen before any is made, and in print.
        unit: of the x axis, after the choice.
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
                        "args": [{"visible": visible}, {"xaxis.title.text": f"{words} {unit}"}],
                    }
                    for words, visible in zip(choices, shown, strict=True)
                ],
                "direction": "down",
                "pad": {"b": 6},
                "showactive": True,
                "x": 0,
                "xanchor": "left",
                "y": 1,
                "yanchor": "bottom",
            }
        ]
    )
