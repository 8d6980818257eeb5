"""ROC curves by group."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fairkd.evaluation.scores import Scores
from fairkd.record import JobRecord
from fairkd.reporting.pictures import canvas
from fairkd.reporting.pictures.by_group import panels


def picture(record: JobRecord) -> Figure | None:
    """Each model's ROC curve over all rows and in each group of the headline's block."""

    def draw(ax: Axes, model: str, scores: Scores, cell: str | None, class_name: str) -> None:
        curve = scores.roc(record.headline.block, cell, class_name)
        ax.plot([0, 1], [0, 1], color=canvas.NEUTRAL, linewidth=0.6)
        ax.plot(
            curve["false_positive_rate"],
            curve["true_positive_rate"],
            color=canvas.colour(record, model),
            linestyle=canvas.dash(record, model),
            linewidth=1.2,
        )
        ax.set(ylim=(-0.02, 1.02), yticks=[0, 0.5, 1])

    return panels(
        record,
        "ROC curves",
        "false positive rate\n(share of rows)",
        "true positive rate\n(share of rows)",
        draw,
    )
