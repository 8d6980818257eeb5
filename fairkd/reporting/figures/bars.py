"""Horizontal bars with intervals: a line for each group, a bar for each model."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from fairkd.evaluation.evaluation import Evaluation
from fairkd.reporting import palette
from fairkd.reporting.figures import theme
from fairkd.reporting.figures.text import hover, literal, ticks
from fairkd.reporting.figures.wording import counted
from fairkd.sweeps.numbers import with_ends

_WIDE, _NARROW, _FEW = 16, 9, 8  # pixels of a bar, and up to how many groups it is wide
_BETWEEN, _AROUND = 12, 180
_ON_AXIS = 18


@dataclass(frozen=True)
class Bars:
    """Models side by side over the groups of one block.

    Attributes:
        evaluations: of each model, on the same rows.
        block: whose cells the groups are.
        count: the metric that holds each group's number of rows.
    """

    evaluations: Mapping[str, Evaluation]
    block: str
    count: str = "count"

    @property
    def cells(self) -> tuple[str, ...]:
        """The groups."""
        return self._first.layouts[self.block].cells

    @property
    def columns(self) -> tuple[str, ...]:
        """What is measured of each group."""
        return self._first.layouts[self.block].columns

    @property
    def _first(self) -> Evaluation:
        return next(iter(self.evaluations.values()))

    def values(self, model: str, metric: str) -> list[float]:
        """One model's value for each group."""
        found = self.evaluations[model].metrics
        return [found[f"{metric}/{self.block}.{cell}"] for cell in self.cells]

    def add(self, plot: go.Figure, metric: str, words: str) -> None:
        """Draw every model's bars.

        Args:
            plot: gets a trace for each model.
            metric: one of `columns`.
            words: what hovers call it, `literal` where it comes from data.
        """
        for model in self.evaluations:
            self._add(plot, model, metric, words)

    def _add(self, plot: go.Figure, model: str, metric: str, words: str) -> None:
        values = self.values(model, metric)
        intervals = [
            self.evaluations[model].intervals.get(
                f"{metric}/{self.block}.{cell}", (math.nan, math.nan)
            )
            for cell in self.cells
        ]
        place = palette.model_place(model, list(self.evaluations))
        plot.add_bar(
            x=values,
            y=list(range(len(values))),
            orientation="h",
            name=literal(model),
            legendgroup=model,
            marker={
                "color": palette.colour(place),
                "pattern": {
                    "shape": palette.pattern(place),
                    "fillmode": "overlay",
                    "size": 6,
                    "solidity": 0.2,
                },
            },
            error_x={
                "array": [high - v for v, (_, high) in zip(values, intervals, strict=True)],
                "arrayminus": [v - low for v, (low, _) in zip(values, intervals, strict=True)],
                "symmetric": False,
                "thickness": 1,
                "width": 2,
            },
            hoverinfo="text",
            hovertext=[
                hover(
                    cell,
                    [
                        f"{literal(model)}: {words} {with_ends(value, ends)}",
                        counted(self._rows(cell), "row"),
                    ],
                )
                for cell, value, ends in zip(self.cells, values, intervals, strict=True)
            ],
        )

    def finish(self, plot: go.Figure) -> go.Figure:
        """Name the groups, with their numbers of rows, and give the plot its look."""
        names = zip(ticks(self.cells, _ON_AXIS), self.cells, strict=True)
        plot.update_yaxes(
            tickvals=list(range(len(self.cells))),
            ticktext=[f"{name}, n={self._rows(cell):,}" for name, cell in names],
            range=[len(self.cells) - 0.5, -0.5],
        )
        plot.update_layout(barmode="group", bargap=0.25)
        bar = _WIDE if len(self.cells) <= _FEW else _NARROW
        height = len(self.cells) * (bar * len(self.evaluations) + _BETWEEN) + _AROUND
        return theme.finished(plot, height)

    def undefined(self, metrics: Sequence[str]) -> str:
        """A sentence on values that are NaN, with a space before it; empty without any."""
        missing = [
            cell
            for metric in metrics
            for model in self.evaluations
            for cell, value in zip(self.cells, self.values(model, metric), strict=True)
            if math.isnan(value)
        ]
        if not missing:
            return ""
        of = len(self.evaluations) * len(metrics) * len(self.cells)
        return (
            f" {len(missing)} of {of} values, in {counted(len(set(missing)), 'group')}, are "
            "undefined (nothing to divide by) and left empty."
        )

    def _rows(self, cell: str) -> int:
        return int(self._first.metrics[f"{self.count}/{self.block}.{cell}"])
