"""Whose rows are decided otherwise than before: wrongly now, or rightly now, by group."""

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from fairkd.record import JobRecord
from fairkd.reporting.figures.text import distinct
from fairkd.reporting.pictures import canvas

_NAME = 30
_HARMFUL = "harmful_flips_from_"


def picture(record: JobRecord) -> Figure | None:
    """Flips from each reference to the final model, by the headline's block."""
    block, final = record.headline.block, record.trio.final
    changes = record.trio.changes(final).get(block)
    if changes is None or block not in changes.flips:
        return None
    flips = changes.flips[block]
    known = [name.removeprefix(_HARMFUL) for name in flips.counts if name.startswith(_HARMFUL)]
    references = sorted(known, key=lambda name: name == "teacher")  # it comes last
    by_cell = {
        name: dict(zip(flips.cells, np.reshape(counts, (-1, len(flips.cells))).sum(0), strict=True))
        for name, counts in flips.counts.items()
    }
    cells = canvas.groups_shown(record, block)
    title = f"Flips on test {canvas.of_groups(record, block)}"
    height = max(0.32 * len(cells), 0.8) + 1.5
    figure = canvas.sheet(2.3 + 2.8 * len(references), height, title)
    axes = figure.subplots(1, len(references), sharex=True, sharey=True, squeeze=False)[0]
    names = distinct(cells, _NAME)
    rows = [int(by_cell["count"][cell]) for cell in cells]
    for ax, reference in zip(axes, references, strict=True):
        for kind, sign, colour, hatch in (
            ("harmful", -1, canvas.HARMFUL, "///"),
            ("beneficial", 1, canvas.BENEFICIAL, ""),
        ):
            counts = by_cell[f"{kind}_flips_from_{reference}"]
            shares = [
                100 * sign * counts[cell] / n if n else math.nan
                for cell, n in zip(cells, rows, strict=True)
            ]
            ax.barh(range(len(cells)), shares, 0.7, color=colour, hatch=hatch, edgecolor="white")
        for line, n in enumerate(rows):
            if n == 0:
                ax.text(0, line, " no rows", va="center", color=canvas.NEUTRAL, fontsize=6)
        ax.axvline(0, color=canvas.NEUTRAL, linewidth=0.8)
        ax.grid(axis="y", visible=False)
        ax.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
        ax.set_title(f"{canvas.literal(final)} against {canvas.literal(reference)}")
        ax.set_xlabel("% of the group's rows")
    axes[0].set_yticks(
        range(len(cells)),
        [
            f"{canvas.literal(name, len(name))}, n = {n:,}"
            for name, n in zip(names, rows, strict=True)
        ],
    )
    axes[0].set_ylim(len(cells) - 0.5, -0.5)
    canvas.legend(
        figure,
        [
            Patch(facecolor=canvas.HARMFUL, hatch="///", edgecolor="white", label="wrong now"),
            Patch(facecolor=canvas.BENEFICIAL, label="right now"),
        ],
    )
    return figure
