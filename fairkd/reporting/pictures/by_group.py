"""A panel for all rows and one for each group, and in each the models' curves."""

import math
from collections.abc import Callable, Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fairkd.evaluation.scores import DECIDED, Scores
from fairkd.record import JobRecord
from fairkd.reporting.figures.text import distinct
from fairkd.reporting.pictures import canvas

MOST_PANELS = 64
_ACROSS = 6
_NAME = 24
_PANEL, _BETWEEN, _GAP, _LINE = 1.45, 0.25, 0.18, 0.13
_LEFT, _ABOVE, _BELOW, _NARROWEST = 0.75, 0.2, 0.95, 5.2
"""Inches."""

Draw = Callable[[Axes, str, Scores, str | None, str], None]
"""Draws one model's curve: given axes, model, scores, cell (``None``: all rows) and class."""


def panels(
    record: JobRecord, title: str, x: str, y: str, draw: Draw, handles: Sequence[Line2D] = ()
) -> Figure | None:
    """Small multiples over the headline's block; ``None`` where no model decides by scores.

    Args:
        record: of one job.
        title: what is drawn.
        x: the label of the x axes, with its unit.
        y: of the y axes.
        draw: draws one model's curve.
        handles: further lines of the legend.
    """
    block = record.headline.block
    models = canvas.models_shown(record, list(record.scores))
    if not models or block not in record.scores[models[0]].cells:
        return None
    places = list(_places(record, block, record.scores[models[0]].classes))
    of_class = sum(class_name == places[0][1] for _, class_name in places)
    across = of_class if of_class <= _ACROSS else min(_ACROSS, len(places))
    down = math.ceil(len(places) / across)
    lines = _heading(record, models[0], *places[0]).count("\n") + 1
    title = f"{title} on test {canvas.of_groups(record, block)}"
    figure, axes = _grid(down, across, lines, title)
    for number, (ax, (cell, class_name)) in enumerate(zip(axes, places, strict=False)):
        for model in models:
            draw(ax, model, record.scores[model], cell, class_name)
        ax.set_title(_heading(record, models[0], cell, class_name), fontsize=7)
        lowest = number + across >= len(places)
        ax.set(xlim=(-0.02, 1.02), xticks=[0, 0.5, 1])
        ax.tick_params(labelbottom=lowest, labelleft=number % across == 0)
        ax.set_xlabel(x if lowest else "")
        ax.set_ylabel("" if number % across else y)
    low, high = zip(*(ax.get_ylim() for ax in axes[: len(places)]), strict=True)
    for ax in axes[: len(places)]:  # sharing axes would tell every panel of every line
        ax.set_ylim(min(low), max(high))
    canvas.unused(axes[len(places) :])
    canvas.legend(figure, [*canvas.model_lines(record, models), *handles])
    return figure


def _grid(down: int, across: int, lines: int, title: str) -> tuple[Figure, list[Axes]]:
    """Equal panels at fixed distances: finding the best ones takes seconds where there are many."""
    width = max(_LEFT + (_PANEL + _BETWEEN) * across, _NARROWEST)
    gap = _GAP + _LINE * lines
    height = _ABOVE + _PANEL * down + gap * down + _BELOW
    figure = canvas.sheet(width, height, title, arranged=False)
    grid = figure.add_gridspec(
        down,
        across,
        left=_LEFT / width,
        right=(_LEFT + (_PANEL + _BETWEEN) * across - _BETWEEN) / width,
        top=1 - (_ABOVE + gap) / height,
        bottom=_BELOW / height,
        wspace=_BETWEEN / _PANEL,
        hspace=gap / _PANEL,
    )
    return figure, list(grid.subplots(squeeze=False).ravel())


def _places(
    record: JobRecord, block: str, classes: Sequence[str]
) -> Iterator[tuple[str | None, str]]:
    """All rows and every group, of as many classes as there is room for."""
    cells = [None, *canvas.groups_shown(record, block)]
    for class_name in classes[: max(1, MOST_PANELS // len(cells))]:
        for cell in cells:
            yield cell, class_name


def _heading(record: JobRecord, model: str, cell: str | None, class_name: str) -> str:
    scores = record.scores[model]
    block = record.headline.block
    rows = int(scores.calibration(block, cell, class_name)["count"].sum())
    names = dict(zip(scores.cells[block], distinct(scores.cells[block], _NAME), strict=True))
    name = "all rows" if cell is None else canvas.literal(names[cell])
    several = len(scores.classes) > 1 or class_name == DECIDED
    of_class = f"\n{canvas.literal(class_name, _NAME)}" if several else ""
    return f"{name}\nn = {rows:,}{of_class}"
