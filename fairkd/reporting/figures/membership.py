"""What losses tell of who trained a model, group by group."""

import plotly.graph_objects as go

from fairkd.privacy.membership import MEMBERSHIP_AUC
from fairkd.record import JobRecord
from fairkd.reporting import palette
from fairkd.reporting.figures.bars import Bars
from fairkd.reporting.figures.figure import Figure
from fairkd.reporting.figures.wording import counted
from fairkd.tracking.slug import slug

_CHANCE = 0.5


def membership(record: JobRecord) -> list[Figure]:
    """A figure for the headline's block; none where it was not measured.

    Args:
        record: of one job.
    """
    block = record.headline.block
    if not record.membership:
        return []
    bars = Bars(record.membership, block, count="members")
    plot = go.Figure()
    bars.add(plot, MEMBERSHIP_AUC, "membership AUC")
    plot.add_vline(x=_CHANCE, line={"color": palette.NEUTRAL, "dash": "dash", "width": 1.5})
    plot.update_xaxes(title_text="membership AUC (0.5: chance)", range=[0, 1])
    return [
        Figure(
            f"membership-{slug(block)}",
            f"Membership by {block}",
            "How well a row's loss tells whether it trained the model: the area under the ROC "
            f"curve, with DeLong intervals, for {counted(len(bars.cells), 'group')} of {block} "
            "(n: their training rows). At 0.5, dashed, losses tell nothing."
            f"{bars.undefined([MEMBERSHIP_AUC])}",
            bars.finish(plot),
        )
    ]
