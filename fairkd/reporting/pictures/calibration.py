"""Calibration by group: of the rows given a score, how many are of the class."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fairkd.evaluation.scores import Scores
from fairkd.record import JobRecord
from fairkd.reporting.pictures import canvas
from fairkd.reporting.pictures.by_group import panels

BINS = 10
"""So many of the record's finer bins are joined that few rows still show a line."""
FEWEST = 5
"""A share of fewer rows is no point."""


def picture(record: JobRecord) -> Figure | None:
    """Each model's calibration over all rows and in each group of the headline's block."""

    def draw(ax: Axes, model: str, scores: Scores, cell: str | None, class_name: str) -> None:
        found = scores.calibration(record.headline.block, cell, class_name)
        sums = found.assign(
            score=found["score"] * found["count"], share=found["share"] * found["count"]
        )
        joined = sums.groupby((found["score"] * BINS).clip(upper=BINS - 1).astype(int)).sum()
        joined = joined[joined["count"] >= FEWEST]
        ax.plot([0, 1], [0, 1], color=canvas.NEUTRAL, linewidth=0.6)
        ax.plot(
            joined["score"] / joined["count"],
            joined["share"] / joined["count"],
            color=canvas.colour(record, model),
            linestyle=canvas.dash(record, model),
            linewidth=1.2,
            marker=".",
            markersize=4,
        )
        ax.set(ylim=(-0.02, 1.02), yticks=[0, 0.5, 1])

    return panels(
        record,
        f"Calibration (tenths with at least {FEWEST} rows)",
        "mean score\n(probability)",
        "share of the class\n(of rows)",
        draw,
    )
