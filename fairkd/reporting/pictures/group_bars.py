"""Each group's rates, with intervals: teacher, control and student side by side."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from fairkd.record import JobRecord
from fairkd.reporting.figures.text import distinct
from fairkd.reporting.pictures import canvas
from fairkd.reporting.rates import rates_shown

MOST_PANELS = 6
_ACROSS = 3
_NAME = 30
_TALL = 20  # so many groups that values are wanted above as well


def picture(record: JobRecord) -> Figure | None:
    """Accuracy, selection rate and what the headline compares, by the headline's block."""
    block = record.headline.block
    trio = record.trio
    layout = trio.evaluations["student"].layouts.get(block)
    if layout is None:
        return None
    every = rates_shown(record.headline.metric, layout.columns)
    columns = every[:MOST_PANELS]
    cells = canvas.groups_shown(record, block)
    models = canvas.models_shown(record, trio.models)
    across = min(_ACROSS, len(columns))
    down = math.ceil(len(columns) / across)
    height = (0.13 * len(models) + 0.1) * len(cells) + 0.6
    few = f" ({len(columns)} of {len(every)})" if len(columns) < len(every) else ""
    title = f"Rates{few} on test {canvas.of_groups(record, block)}"
    figure = canvas.sheet(2.3 + 2.4 * across, max(height, 1.3) * down + 0.8, title)
    axes = figure.subplots(down, across, sharey=True, squeeze=False).ravel()
    for ax, column in zip(axes, columns, strict=False):
        _draw(ax, record, column, cells, models)
    canvas.unused(axes[len(columns) :])
    axes[0].set_yticks(range(len(cells)), _names(record, block, cells))
    axes[0].set_ylim(len(cells) - 0.5, -0.5)
    patches = [
        Patch(
            facecolor=canvas.colour(record, model),
            edgecolor="white",
            hatch=canvas.hatch(record, model),
            label=model,
        )
        for model in models
    ]
    canvas.legend(figure, patches)
    return figure


def _draw(ax: Axes, record: JobRecord, column: str, cells: list[str], models: list[str]) -> None:
    block, width = record.headline.block, 0.8 / len(models)
    for place, model in enumerate(models):
        found = record.trio.evaluations[model]
        for line, cell in enumerate(cells):
            name = f"{column}/{block}.{cell}"
            value = found.metrics[name]
            low, high = found.intervals.get(name, (math.nan, math.nan))
            y = line - 0.4 + width * (place + 0.5)
            if math.isnan(value):
                ax.text(0, y, " undefined", va="center", color=canvas.NEUTRAL, fontsize=5)
                continue
            ax.barh(
                y,
                value,
                width,
                color=canvas.colour(record, model),
                hatch=canvas.hatch(record, model),
                edgecolor="white",
                linewidth=0.3,
            )
            ax.plot([low, high], [y, y], color="black", linewidth=0.8)
    ax.grid(axis="y", visible=False)
    ax.set_xlim(left=0)
    ax.tick_params(labeltop=len(cells) > _TALL)
    ax.set_xlabel(f"{_words(column)} (share of rows)")


def _words(column: str) -> str:
    name, _, of_class = column.partition("[")
    words = name.replace("_", " ")
    return f"{words} of {canvas.literal(of_class.removesuffix(']'), 20)}" if of_class else words


def _names(record: JobRecord, block: str, cells: list[str]) -> list[str]:
    counts = record.trio.evaluations["student"].metrics
    return [
        f"{canvas.literal(name, len(name))}\nn = {int(counts[f'count/{block}.{cell}']):,}"
        for name, cell in zip(distinct(cells, _NAME), cells, strict=True)
    ]
