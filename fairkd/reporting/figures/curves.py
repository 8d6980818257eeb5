"""ROC, calibration and the scores themselves, group by group."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from fairkd.evaluation.scores import Scores
from fairkd.record import JobRecord
from fairkd.reporting import palette
from fairkd.reporting.figures import theme
from fairkd.reporting.figures.choosing import chosen_by_menu
from fairkd.reporting.figures.figure import Figure
from fairkd.reporting.figures.text import literal, ticks
from fairkd.reporting.figures.wording import counted
from fairkd.tracking.slug import slug

MOST_GROUPS = 12
"""The largest groups of a block; the lines of more are not told apart."""
CALIBRATION_BINS = 10

_EVERYONE = "all rows"
_HEIGHT, _LEGEND_LINE = 560, 16
_DIGITS = 4


@dataclass(frozen=True)
class _Line:
    """One group of one model and class.

    Attributes:
        scores: of the model.
        block: of the group.
        cell: the group; ``None`` for all rows.
        class_name: whose scores.
        name: as the legend shows it.
        place: among the block's lines.
    """

    scores: Scores
    block: str
    cell: str | None
    class_name: str
    name: str
    place: int

    def add(self, plot: go.Figure, x: Sequence[float], y: Sequence[float], row: int = 1) -> None:
        """Draw it; what plotly fills into the hover is read as text of ours, hence `literal`."""
        everyone = self.cell is None
        plot.add_scatter(
            x=_rounded(x),
            y=_rounded(y),
            mode="lines",
            name=self.name,
            meta=literal(self.cell or _EVERYONE),
            legendgroup=str(self.place),
            showlegend=row == 1,
            line={
                "color": palette.NEUTRAL if everyone else palette.colour(self.place),
                "dash": "solid" if everyone else palette.dash(self.place),
                "width": 3 if everyone else 1.75,
            },
            hovertemplate="<b>%{meta}</b><br>(%{x:.3f}, %{y:.3f})<extra></extra>",
            **({"xaxis": "x2", "yaxis": "y2"} if row == 2 else {}),
        )


_Draw = Callable[[go.Figure, _Line], bool]
"""Draws a line, and returns whether it has any point."""


def curves(record: JobRecord) -> list[Figure]:
    """Three figures for each block, that of the headline first; none without scores.

    Args:
        record: of one job.
    """
    if not record.scores:
        return []
    blocks = sorted(
        next(iter(record.scores.values())).cells, key=lambda block: block != record.headline.block
    )
    return [
        figure
        for block in blocks
        for figure in (_roc(record, block), _calibration(record, block), _density(record, block))
    ]


def _roc(record: JobRecord, block: str) -> Figure:
    plot = go.Figure()
    told = _add_lines(plot, record, block, _add_roc)
    _add_diagonal(plot)
    plot.update_xaxes(title_text="false positive rate (test)", range=[-0.01, 1.01])
    plot.update_yaxes(title_text="true positive rate (test)", range=[-0.01, 1.01])
    return Figure(
        f"roc-{slug(block)}",
        f"ROC by {block}",
        "True against false positive rate over all thresholds, at the edges of 50 equally wide "
        f"bins of the score, {told}; the diagonal is chance.",
        theme.finished(plot, _height(record, block)),
    )


def _calibration(record: JobRecord, block: str) -> Figure:
    plot = go.Figure()
    told = _add_lines(plot, record, block, _add_calibration)
    _add_diagonal(plot)
    plot.update_traces(mode="lines+markers")
    plot.update_xaxes(title_text="mean score (test)", range=[-0.02, 1.02])
    plot.update_yaxes(title_text="share with the scored label (test)", range=[-0.02, 1.02])
    return Figure(
        f"calibration-{slug(block)}",
        f"Calibration by {block}",
        f"How often a score comes true, in {CALIBRATION_BINS} equally wide bins, {told}; on the "
        "diagonal, as often as it says.",
        theme.finished(plot, _height(record, block)),
    )


def _density(record: JobRecord, block: str) -> Figure:
    plot = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.12)
    for row, whose in enumerate(("the scored label", "other labels"), start=1):
        theme.title_panel(plot, row, f"share of the rows with {whose}")
    told = _add_lines(plot, record, block, _add_density, each=2)
    plot.update_traces(line={"shape": "hvh"})
    plot.update_xaxes(range=[0, 1])
    plot.update_xaxes(title_text="score (test)", row=2)
    plot.update_yaxes(rangemode="tozero")
    return Figure(
        f"scores-{slug(block)}",
        f"Scores by {block}",
        "How scores lie in 50 bins, above of the rows with the label that is scored and below of "
        f"all others, {told}; a line's shares sum to 1.",
        theme.finished(plot, _height(record, block)),
    )


def _add_lines(plot: go.Figure, record: JobRecord, block: str, draw: _Draw, each: int = 1) -> str:
    """Every group's line for every model and class to choose from; returns what they are."""
    order = sorted(record.scores, key=lambda model: model != "student")
    chosen = [(model, name) for model in order for name in record.scores[model].classes]
    first = record.scores[order[0]]
    kept = _largest(first, block)
    names = ticks(kept)
    undefined: set[str] = set()
    for model, class_name in chosen:
        for place, cell in enumerate([*kept, None]):
            name = names[place] if cell is not None else _EVERYONE
            line = _Line(record.scores[model], block, cell, class_name, name, place)
            if not draw(plot, line):
                undefined.add(line.name)
    several = len(first.classes) > 1
    words = [literal(f"{m}, {name}" if several else m) for m, name in chosen]
    chosen_by_menu(plot, words, each * (len(kept) + 1))
    groups = counted(len(first.cells[block]), "group")
    told = (
        groups if len(kept) == len(first.cells[block]) else f"the {len(kept)} largest of {groups}"
    )
    of_class = "" if several else f"; the score is the probability of {first.classes[0]}"
    gaps = f"; undefined in {counted(len(undefined), 'group')}" if undefined else ""
    return f"of {told}, on test{of_class}{gaps}"


def _height(record: JobRecord, block: str) -> int:
    """In pixels, with a legend that takes half a line for each group on a phone."""
    cells = next(iter(record.scores.values())).cells[block]
    return _HEIGHT + _LEGEND_LINE * min(len(cells), MOST_GROUPS)


def _largest(scores: Scores, block: str) -> list[str]:
    """The largest groups, in the block's order."""
    rows = scores.blocks[block].counts[:, 0].sum((1, 2))
    kept = sorted(np.argsort(-rows, kind="stable")[:MOST_GROUPS])
    return [scores.cells[block][place] for place in kept]


def _add_roc(plot: go.Figure, line: _Line) -> bool:
    found = line.scores.roc(line.block, line.cell, line.class_name)
    line.add(plot, found["false_positive_rate"].tolist(), found["true_positive_rate"].tolist())
    return not bool(found.isna().to_numpy().any())


def _add_calibration(plot: go.Figure, line: _Line) -> bool:
    found = line.scores.calibration(line.block, line.cell, line.class_name)
    wide = _in_wide_bins(found)
    line.add(plot, wide["score"].tolist(), wide["share"].tolist())
    return len(wide) > 0


def _in_wide_bins(found: pd.DataFrame) -> pd.DataFrame:
    """Calibration in fewer bins: means weighted by the rows."""
    place = (found["score"] * CALIBRATION_BINS).astype(int).clip(upper=CALIBRATION_BINS - 1)
    weighted = found[["score", "share"]].mul(found["count"], axis=0).groupby(place).sum()
    return weighted.div(found["count"].groupby(place).sum(), axis=0)


def _add_density(plot: go.Figure, line: _Line) -> bool:
    found = line.scores.density(line.block, line.cell, line.class_name)
    for row, label in enumerate((1, 0), start=1):
        of_label = found[found["label"] == label]
        line.add(plot, of_label["score"].tolist(), of_label["share"].tolist(), row)
    return not bool(found["share"].isna().any())


def _add_diagonal(plot: go.Figure) -> None:
    plot.add_shape(
        type="line",
        x0=0,
        y0=0,
        x1=1,
        y1=1,
        line={"color": palette.NEUTRAL, "dash": "dot", "width": 1},
        layer="below",
    )


def _rounded(values: Sequence[float]) -> list[float]:
    """A page with hundreds of lines stays small."""
    return [round(value, _DIGITS) for value in values]
