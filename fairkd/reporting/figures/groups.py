"""Each group's rates of every model, with intervals."""

import plotly.graph_objects as go

from fairkd.record import JobRecord
from fairkd.reporting.figures.bars import Bars
from fairkd.reporting.figures.choosing import chosen_by_menu
from fairkd.reporting.figures.figure import Figure
from fairkd.reporting.figures.text import literal
from fairkd.reporting.figures.wording import counted
from fairkd.reporting.rates import rates_shown, statistics_of
from fairkd.tracking.slug import slug


def groups(record: JobRecord) -> list[Figure]:
    """A figure for each block, that of the headline first.

    Args:
        record: of one job.
    """
    blocks = list(record.trio.evaluations["student"].layouts)
    blocks.sort(key=lambda block: block != record.headline.block)
    return [_of_block(record, block) for block in blocks]


def _of_block(record: JobRecord, block: str) -> Figure:
    bars = Bars(record.trio.evaluations, block)
    of_headline = statistics_of(record.headline.metric)
    metrics = rates_shown(record.headline.metric, bars.columns)
    plot = go.Figure()
    words = [_words(metric) for metric in metrics]
    for metric, told in zip(metrics, words, strict=True):
        bars.add(plot, metric, told)
    first = next(
        (n for n, metric in enumerate(metrics) if metric.partition("[")[0] in of_headline), 0
    )
    chosen_by_menu(plot, words, len(bars.evaluations), first, "(test)")
    plot.update_xaxes(title_text=f"{words[first]} (test)", rangemode="tozero")
    return Figure(
        f"groups-{slug(block)}",
        f"Groups of {block}",
        f"{counted(len(bars.cells), 'group')} of {block} on test, "
        f"{', '.join(bars.evaluations)} side by side; the menu chooses the rate. The bars' lines "
        f"are intervals over test rows.{bars.undefined(metrics)}",
        bars.finish(plot),
    )


def _words(metric: str) -> str:
    """A column in words: ``selection rate of <class>``, from data and so literal."""
    name, _, of_class = metric.partition("[")
    words = name.replace("_", " ")
    return literal(f"{words} of {of_class.removesuffix(']')}" if of_class else words)
