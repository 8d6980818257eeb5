"""How scores are distributed by group and label."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fairkd.evaluation.scores import BINS, DECIDED, Scores
from fairkd.record import JobRecord
from fairkd.reporting.pictures import canvas
from fairkd.reporting.pictures.by_group import panels

JOINED = 2
"""Neighbouring bins that are drawn as one."""


def picture(record: JobRecord) -> Figure | None:
    """Each model's scores over all rows and in each group, above the axis those of the class."""

    def draw(ax: Axes, model: str, scores: Scores, cell: str | None, class_name: str) -> None:
        found = scores.density(record.headline.block, cell, class_name)
        for label, sign in ((1, 1.0), (0, -1.0)):
            shares = found.loc[found["label"] == label, "share"].to_numpy()
            ax.stairs(
                100 * sign * shares.reshape(-1, JOINED).sum(1),
                [place * JOINED / BINS for place in range(BINS // JOINED + 1)],
                baseline=None,
                color=canvas.colour(record, model),
                linestyle=canvas.dash(record, model),
                linewidth=1.1,
            )
        ax.axhline(0, color=canvas.NEUTRAL, linewidth=0.6)
        ax.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")

    decided = any(DECIDED in scores.classes for scores in record.scores.values())
    kinds = "wrong (down), right (up)" if decided else "others (down), class (up)"
    return panels(
        record,
        "Scores",
        "score\n(probability)",
        f"{kinds}\n(% of their rows)",
        draw,
    )
