"""How training went: the loss, what is to be bounded, and its multipliers, by epoch."""

import textwrap
from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from fairkd.record import JobRecord
from fairkd.reporting import palette
from fairkd.reporting.epochs import epochs, kept_point, values
from fairkd.reporting.figures.wording import disparity_words
from fairkd.reporting.pictures import canvas

_MULTIPLIER = "multiplier"
_BOUND: Mapping[str, Any] = {"color": "black", "linestyle": "dashdot", "linewidth": 0.8}
_WIDE = 30
_COLOURS = ("black", *palette.COLOURS)


def picture(record: JobRecord) -> Figure | None:
    """Curves by epoch; ``None`` where no model was trained by epochs."""
    histories = {name: rows for name, rows in record.histories.items() if len(rows) > 1}
    models = canvas.models_shown(record, list(histories))
    if not models:
        return None
    multipliers = list(
        dict.fromkeys(
            key for row in histories.get("student", ()) for key in row if _MULTIPLIER in key
        )
    )
    figure = canvas.sheet(7.5, 2.2 * (3 if multipliers else 2) + 0.8, "Training")
    axes = figure.subplots(3 if multipliers else 2, 1, sharex=True)
    disparity = f"val/{record.headline.name}"
    for model in models:
        _draw(axes[0], record, model, "val/loss")
        _draw(axes[0], record, model, "train/loss", faint=True)
        _draw(axes[1], record, model, disparity)
    axes[0].set_ylabel("loss (each model's own)")
    words = canvas.literal(disparity_words(record.headline), 60)
    axes[1].set_ylabel(f"{textwrap.fill(words, _WIDE, break_long_words=False)}\n(validation)")
    for bound in _bounds(record):
        axes[1].axhline(bound, **_BOUND)
    for place, key in enumerate(multipliers):
        name = key.removeprefix("val/")
        history = histories["student"]
        label = canvas.literal(name.replace("/", " "), 40)
        axes[2].plot(
            epochs(history),
            values(history, key),
            color=_COLOURS[place % len(_COLOURS)],
            label=label,
        )
    if multipliers:
        axes[2].set_ylabel("student's multipliers\n(no unit)")
        axes[2].legend(fontsize=7)
    axes[-1].set_xlabel("epoch (counted from 1)")
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    faint = Line2D([], [], color=canvas.NEUTRAL, alpha=0.5, linewidth=0.9, label="in training")
    kept = Line2D([], [], color=canvas.NEUTRAL, marker="o", linestyle="", label="kept epoch")
    more = [faint, kept]
    if _bounds(record):
        more.append(Line2D([], [], label="bound", **_BOUND))
    canvas.legend(figure, [*canvas.model_lines(record, models), *more])
    return figure


def _draw(ax: Axes, record: JobRecord, model: str, key: str, faint: bool = False) -> None:
    history = record.histories[model]
    at, shown = epochs(history), values(history, key)
    colour = canvas.colour(record, model)
    if faint:
        ax.plot(at, shown, color=colour, linewidth=0.9, alpha=0.5)
        return
    ax.plot(at, shown, color=colour, linestyle=canvas.dash(record, model), linewidth=1.3)
    kept = kept_point(history, record.best_epochs.get(model), key)
    if kept is not None:
        ax.plot(*kept, "o", color=colour, markersize=4)


def _bounds(record: JobRecord) -> list[float]:
    """Of the disparity that runs are compared by."""
    return [bound.threshold for bound in record.headline_bounds if bound.threshold > 0]
