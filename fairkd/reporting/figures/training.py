"""How training went, epoch by epoch, and which epoch was kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from fairkd.record import JobRecord
from fairkd.reporting import palette
from fairkd.reporting.epochs import History, epochs, kept_point, values
from fairkd.reporting.figures import theme
from fairkd.reporting.figures.figure import Figure
from fairkd.reporting.figures.text import IN_LEGEND, hover, literal, short
from fairkd.reporting.figures.wording import disparity_words
from fairkd.sweeps.numbers import number

LOSS = "loss"
_PANEL, _AROUND = 190, 90
_ON_PANEL = 34


@dataclass(frozen=True)
class _Curve:
    """One number of one model by epoch."""

    model: str
    key: str
    name: str
    place: int
    dashed: bool = False


@dataclass(frozen=True)
class _Panel:
    """Curves of one unit."""

    title: str
    curves: list[_Curve]
    bound: float | None = None


def training(record: JobRecord) -> Figure | None:
    """Losses, the objective's terms, and accuracy and disparity on validation.

    ``None`` where no model was trained for more than one epoch.

    Args:
        record: of one job.
    """
    histories = {model: history for model, history in record.histories.items() if len(history) > 1}
    panels = [panel for panel in _panels(record, histories) if panel.curves]
    if not panels:
        return None
    plot = make_subplots(
        rows=len(panels), cols=1, shared_xaxes=True, vertical_spacing=0.18 / len(panels)
    )
    drawn: set[str] = set()
    for row, panel in enumerate(panels, start=1):
        for curve in panel.curves:
            history = histories[curve.model]
            _add_curve(plot, curve, history, row, first=curve.name not in drawn)
            drawn.add(curve.name)
            if not curve.dashed and curve.key.startswith("val/"):
                best = record.best_epochs.get(curve.model)
                _add_best(plot, curve, history, best, row, first="kept" not in drawn)
                drawn.add("kept")
        if panel.bound is not None:
            plot.add_hline(y=panel.bound, line={"color": palette.BAD, "dash": "dash"}, row=row)
        theme.title_panel(plot, row, panel.title)
    plot.update_xaxes(title_text="epoch (counted from 1)", row=len(panels))
    return Figure(
        "training",
        "Training",
        _caption(record, histories),
        theme.finished(plot, _PANEL * len(panels) + _AROUND + 10 * len(drawn)),
    )


def _panels(record: JobRecord, histories: Mapping[str, History]) -> list[_Panel]:
    models = list(histories)
    last = _told_of(models)
    disparity = f"val/{record.headline.name}"
    bounds = [bound.threshold for bound in record.headline_bounds if bound.threshold > 0]
    terms, multipliers = _inner(histories[last]) if last else ([], [])
    return [
        _Panel(
            "objective", [curve for model in models for curve in _loss(model, models, histories)]
        ),
        _Panel(
            f"{literal(last)}: terms",
            _within(last, terms, len(models)),
        ),
        _Panel(
            f"{literal(last)}: multipliers",
            [
                _Curve(last, key, f"{last}: {key.partition('/')[2]}", n)
                for n, key in enumerate(multipliers)
            ],
        ),
        _Panel("accuracy (validation)", _each(models, histories, "val/accuracy")),
        _Panel(
            f"{short(disparity_words(record.headline), _ON_PANEL)} (validation)",
            _each(models, histories, disparity),
            bounds[0] if bounds else None,
        ),
    ]


def _told_of(models: Sequence[str]) -> str:
    """Whose terms are shown: the student's, for its objective is the job's."""
    return "student" if "student" in models else (models[-1] if models else "")


def _inner(history: History) -> tuple[list[str], list[str]]:
    """What an objective is made of, in training, and its multipliers."""
    keys = dict.fromkeys(key for row in history for key in row)
    of_training = [key for key in keys if key.startswith("train/") and key != f"train/{LOSS}"]
    multipliers = [key for key in keys if "multiplier" in key]
    return [key for key in of_training if key not in multipliers], multipliers


def _loss(model: str, models: Sequence[str], histories: Mapping[str, History]) -> list[_Curve]:
    place = palette.model_place(model, models)
    keys = {f"val/{LOSS}": False, f"train/{LOSS}": True}
    return [
        _Curve(model, key, f"{model}{' (training)' if dashed else ''}", place, dashed)
        for key, dashed in keys.items()
        if any(key in row for row in histories[model])
    ]


def _each(models: Sequence[str], histories: Mapping[str, History], key: str) -> list[_Curve]:
    return [
        _Curve(model, key, model, palette.model_place(model, models))
        for model in models
        if any(key in row for row in histories[model])
    ]


def _within(model: str, keys: Sequence[str], first: int) -> list[_Curve]:
    """A curve for each number of one model, in colours from a place on."""
    return [
        _Curve(model, key, f"{model}: {key.partition('/')[2]}", first + n)
        for n, key in enumerate(keys)
    ]


def _add_curve(plot: go.Figure, curve: _Curve, history: History, row: int, first: bool) -> None:
    at, shown = epochs(history), values(history, curve.key)
    plot.add_scatter(
        x=at,
        y=shown,
        mode="lines",
        name=short(curve.name, IN_LEGEND),
        legendgroup=curve.name,
        showlegend=first,
        line={
            "color": palette.colour(curve.place),
            "dash": "dot" if curve.dashed else "solid",
            "width": 1.5 if curve.dashed else 2,
        },
        connectgaps=False,
        hoverinfo="text",
        hovertext=[
            hover(curve.name, [f"epoch {epoch}: {number(value)}"])
            for epoch, value in zip(at, shown, strict=True)
        ],
        row=row,
        col=1,
    )


def _add_best(
    plot: go.Figure, curve: _Curve, history: History, best: int | None, row: int, first: bool
) -> None:
    """A mark on the epoch whose weights were kept."""
    point = kept_point(history, best, curve.key)
    if point is None:
        return
    epoch, value = point
    plot.add_scatter(
        x=[epoch],
        y=[value],
        mode="markers",
        name="kept epoch",
        legendgroup="kept",
        showlegend=first,
        marker={
            "color": palette.colour(curve.place),
            "symbol": palette.symbol(curve.place),
            "size": 11,
            "line": {"color": palette.NEUTRAL, "width": 1.5},
        },
        hoverinfo="text",
        hovertext=[hover(curve.name, [f"kept epoch {epoch}: {number(value)}"])],
        row=row,
        col=1,
    )


def _caption(record: JobRecord, histories: Mapping[str, History]) -> str:
    kept = [
        f"{model} {record.best_epochs[model] + 1} of {len(history)}"
        for model, history in histories.items()
        if record.best_epochs.get(model, len(history)) < len(history)
    ]
    told = f" Kept epochs: {', '.join(kept)}." if kept else ""
    return (
        "Curves by epoch: solid on validation, where the kept epoch is chosen; dotted, and the "
        f"terms before their weights, in training.{told}"
    )
