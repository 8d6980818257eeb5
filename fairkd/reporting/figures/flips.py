"""Whom distillation moved to the wrong side, and whom to the right one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from fairkd.evaluation.flips import Flips
from fairkd.evaluation.trio import Trio
from fairkd.record import JobRecord
from fairkd.reporting import palette
from fairkd.reporting.figures import theme
from fairkd.reporting.figures.choosing import chosen_by_menu
from fairkd.reporting.figures.figure import Figure
from fairkd.reporting.figures.text import hover, literal, short
from fairkd.reporting.figures.wording import counted
from fairkd.tracking.slug import slug

HARMFUL, BENEFICIAL = "harmful", "beneficial"

_LINE, _AROUND = 20, 180
_ON_AXIS = 16


@dataclass(frozen=True)
class _Pair:
    """A model and the one that it is compared with."""

    model: str
    reference: str
    flips: Flips

    @property
    def words(self) -> str:
        return literal(f"{self.model} against {self.reference}")

    def counts(self, kind: str) -> list[int]:
        return self.flips.counts[f"{kind}_flips_from_{self.reference}"]

    def shares(self, kind: str) -> list[float]:
        """Of each label and group's rows; NaN where there are none."""
        return [
            count / rows if rows else math.nan
            for count, rows in zip(self.counts(kind), self.flips.counts["count"], strict=True)
        ]


def flips(record: JobRecord) -> list[Figure]:
    """A figure for each block, that of the headline first; none of a block without any flip.

    Args:
        record: of one job.
    """
    blocks = sorted(record.trio.transfers, key=lambda block: block != record.headline.block)
    pairs = {block: _pairs(record.trio, block) for block in blocks}
    return [
        _of_block(block, found)
        for block, found in pairs.items()
        if any(sum(pair.counts(kind)) for pair in found for kind in (HARMFUL, BENEFICIAL))
    ]


def _pairs(trio: Trio, block: str) -> list[_Pair]:
    """Every comparison: the student's, with the control first, then those of further models."""
    return [
        _Pair(model, reference, flips)
        for model in ("student", *trio.further)
        for flips in trio.changes(model)[block].flips.values()
        for reference in ("control", "student", "teacher")
        if f"{HARMFUL}_flips_from_{reference}" in flips.counts
    ]


def _of_block(block: str, pairs: Sequence[_Pair]) -> Figure:
    flips = pairs[0].flips
    lines = [(cell, label) for cell in flips.cells for label in flips.labels]
    plot = go.Figure()
    for pair in pairs:
        for kind in (HARMFUL, BENEFICIAL):
            _add_bars(plot, pair, kind, lines)
    chosen_by_menu(plot, [pair.words for pair in pairs], 2)
    largest = max(
        (s for pair in pairs for k in (HARMFUL, BENEFICIAL) for s in pair.shares(k) if s == s),
        default=0.0,
    )
    plot.update_yaxes(
        tickvals=list(range(len(lines))),
        ticktext=[f"{short(cell, _ON_AXIS)}, {short(label, _ON_AXIS)}" for cell, label in lines],
        range=[len(lines) - 0.5, -0.5],
    )
    plot.update_xaxes(title_text="flips (share of rows)", **_mirrored(largest))
    plot.update_layout(barmode="relative", bargap=0.3)
    plot.add_vline(x=0, line={"color": palette.NEUTRAL, "width": 1})
    return Figure(
        f"flips-{slug(block)}",
        f"Flips by {block}",
        _caption(block, pairs),
        theme.finished(plot, max(_LINE * len(lines) + _AROUND, 280)),
    )


def _place(flips: Flips, cell: str, label: str) -> int:
    return flips.labels.index(label) * len(flips.cells) + flips.cells.index(cell)


def _add_bars(plot: go.Figure, pair: _Pair, kind: str, lines: Sequence[tuple[str, str]]) -> None:
    side = -1 if kind == HARMFUL else 1
    places = [_place(pair.flips, cell, label) for cell, label in lines]
    shares, counts, rows = pair.shares(kind), pair.counts(kind), pair.flips.counts["count"]
    plot.add_bar(
        x=[side * shares[place] for place in places],
        y=list(range(len(lines))),
        orientation="h",
        name=f"{kind} flips",
        legendgroup=kind,
        marker={
            "color": palette.BAD if kind == HARMFUL else palette.GOOD,
            "pattern": {"shape": palette.pattern(int(kind == HARMFUL)), "size": 5},
        },
        hoverinfo="text",
        hovertext=[
            hover(
                f"{cell}, label {label}",
                [
                    pair.words,
                    f"{counts[place]:,} {kind} flips of {counted(rows[place], 'row')}"
                    + ("" if math.isnan(shares[place]) else f" ({shares[place]:.1%})"),
                ],
            )
            for (cell, label), place in zip(lines, places, strict=True)
        ],
    )


def _mirrored(largest: float) -> dict[str, object]:
    """Ticks that read as shares on both sides."""
    step = next((step for step in (0.01, 0.02, 0.05, 0.1, 0.2) if largest <= 3 * step), 0.25)
    values = [step * n for n in range(-4, 5) if abs(step * n) <= 1]
    reach = 1.1 * largest or step
    return {
        "tickvals": values,
        "ticktext": [f"{abs(value):.0%}" for value in values],
        "range": [-reach, reach],
    }


def _caption(block: str, pairs: Sequence[_Pair]) -> str:
    told = []
    for pair in [one for one in pairs if one.model == pairs[0].model]:
        harmful, beneficial = (sum(pair.counts(kind)) for kind in (HARMFUL, BENEFICIAL))
        told.append(f"{harmful:,} harmful and {beneficial:,} beneficial against {pair.reference}")
    empty = sum(rows == 0 for rows in pairs[0].flips.counts["count"])
    gaps = ""
    if empty:
        has = "has" if empty == 1 else "have"
        gaps = f" {counted(empty, 'pair')} of group and label {has} no rows."
    return (
        f"Test rows by {block} and label that one model decides rightly and the other wrongly: "
        f"harmful where the {pairs[0].model} is the wrong one ({'; '.join(told)}), as shares of "
        f"the group's rows with that label.{gaps}"
    )
