"""What all pictures have in common: one look, one colour a model, text shown letter by letter."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO

import matplotlib.style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.typing import LineStyleType

from fairkd.evaluation.trio import MODELS
from fairkd.record import JobRecord
from fairkd.reporting import palette
from fairkd.reporting.figures.text import shortened

NEUTRAL = palette.NEUTRAL
HARMFUL, BENEFICIAL = palette.BAD, palette.GOOD
MOST_GROUPS = 60
"""Of more, the largest are drawn."""

_TITLE = 44
_DASHES: tuple[LineStyleType, ...] = (
    "solid",
    (0, (5, 2)),
    (0, (1, 1.4)),
    "dashdot",
    (0, (8, 2)),
    (0, (3, 1, 1, 1)),
)
_HATCHES = ("", "///", "...", "\\\\\\", "xxx", "---")
_LOOK = {
    "axes.axisbelow": True,
    "axes.edgecolor": palette.NEUTRAL,
    "axes.grid": True,
    "axes.labelsize": 8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 8,
    "figure.dpi": 110,
    "figure.titlesize": 10,
    "font.size": 8,
    "grid.alpha": 0.25,
    "hatch.linewidth": 0.4,
    "legend.frameon": False,
    "savefig.dpi": 110,
    "text.usetex": False,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
}


@contextmanager
def look() -> Iterator[None]:
    """Figures made and written within have one look, whatever a user's own settings are."""
    with matplotlib.style.context(["default", _LOOK]), warnings.catch_warnings():
        # A name from data may have letters that the font lacks; they are shown as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def sheet(width: float, height: float, title: str, arranged: bool = True) -> Figure:
    """An empty figure.

    Args:
        width: in inches.
        height: in inches.
        title: `literal` where it comes from data.
        arranged: whether matplotlib finds places for axes; else they are put into theirs.
    """
    figure = Figure(figsize=(width, height), layout="constrained" if arranged else None)
    place = {} if arranged else {"y": 1 - 0.06 / height}
    figure.suptitle(title, x=0.06 / width, ha="left", va="top", **place)
    return figure


def png(figure: Figure) -> bytes:
    """The picture as a file's content."""
    content = BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def literal(text: str, most: int = _TITLE) -> str:
    """A text from data as matplotlib shows it letter by letter, without its middle if too long."""
    return shortened(text, most).replace("$", r"\$")


def models_shown(record: JobRecord, known: Sequence[str]) -> list[str]:
    """Teacher, control, student, and the model that the job is for, as far as they are known."""
    wanted = (*MODELS, record.trio.final)
    return [name for name in known if name in wanted]


def groups_shown(record: JobRecord, block: str) -> list[str]:
    """The block's cells, of many the largest, in the data's order."""
    found = record.trio.evaluations["student"]
    cells = found.layouts[block].cells
    if len(cells) <= MOST_GROUPS:
        return list(cells)
    largest = sorted(cells, key=lambda cell: -found.metrics[f"count/{block}.{cell}"])
    kept = set(largest[:MOST_GROUPS])
    return [cell for cell in cells if cell in kept]


def of_groups(record: JobRecord, block: str) -> str:
    """The end of a title: by which block, and whether some groups are left out."""
    every = len(record.trio.evaluations["student"].layouts[block].cells)
    left_out = f": the {MOST_GROUPS} largest of {every} groups" if every > MOST_GROUPS else ""
    return f"by {literal(block)}{left_out}"


def colour(record: JobRecord, model: str) -> str:
    """A model's colour."""
    return palette.colour(palette.model_place(model, record.trio.models))


def dash(record: JobRecord, model: str) -> LineStyleType:
    """A model's line: colours are not all that tells models apart."""
    return _DASHES[palette.model_place(model, record.trio.models) % len(_DASHES)]


def hatch(record: JobRecord, model: str) -> str:
    """A model's bars."""
    return _HATCHES[palette.model_place(model, record.trio.models) % len(_HATCHES)]


def model_lines(record: JobRecord, models: Sequence[str]) -> list[Line2D]:
    """What a legend says of models' lines."""
    return [
        Line2D([], [], color=colour(record, model), linestyle=dash(record, model), label=model)
        for model in models
    ]


def legend(figure: Figure, handles: Sequence[Artist]) -> None:
    """A legend below everything, in as many columns as there is room for."""
    most = max(1, int(figure.get_figwidth() / 1.2))
    fixed = figure.get_layout_engine() is None
    figure.legend(
        handles=list(handles),
        loc="lower left" if fixed else "outside lower left",
        ncols=min(len(handles), most),
    )


def unused(axes: Iterable[Axes]) -> None:
    """Hide panels that nothing is drawn in."""
    for ax in axes:
        ax.set_visible(False)
