"""One figure of a report."""

from dataclasses import dataclass

import plotly.graph_objects as go


@dataclass(frozen=True, eq=False)
class Figure:
    """A plot and what a reader has to know about it.

    Attributes:
        name: a slug, unique among the figures of one comparison or job.
        title: plain text, not yet escaped for HTML.
        caption: one or two sentences computed from the numbers: what is shown, of which split, what
            the intervals are, over how many repetitions. Plain text like the title.
        plot: without a title; transparent, so that it stands on light and dark pages alike.
    """

    name: str
    title: str
    caption: str
    plot: go.Figure
