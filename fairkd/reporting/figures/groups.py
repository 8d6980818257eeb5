"""Each group's rates of every model, with intervals."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.trio import Trio
from fairkd.fairness.names import RECORDED_AS, STATISTICS
from fairkd.record import JobRecord
from fairkd.reporting.figures import theme
from fairkd.reporting.figures.choosing import chosen_by_menu
from fairkd.reporting.figures.figure import Figure
from fairkd.reporting.figures.text import hover, literal, ticks
from fairkd.reporting.figures.wording import counted
from fairkd.sweeps.sentence import number
from fairkd.tracking.slug import slug

ALWAYS = ("accuracy", "selection_rate")

_RECORDED = {**{name: name for name in STATISTICS}, "positive_predictive_value": "precision"}
_BOTH_RATES = ("true_positive_rate", "false_positive_rate")
_BAR, _BETWEEN, _AROUND = 9, 12, 150
_ON_AXIS = 18


def groups(record: JobRecord) -> list[Figure]:
    """A figure for each block, that of the headline first.

    Args:
        record: of one job.
    """
    blocks = list(next(iter(record.trio.evaluations.values())).layouts)
    blocks.sort(key=lambda block: block != record.headline.block)
    return [_of_block(record, block) for block in blocks]


def statistics_of(metric: str) -> tuple[str, ...]:
    """The recorded rates that a disparity compares: of equalized odds, two."""
    found: tuple[str, ...] = ()
    for statistic, recorded in RECORDED_AS.items():
        family = recorded.removesuffix("_difference")
        if metric.startswith(family) or metric.endswith(f"_{statistic}"):
            found = _BOTH_RATES if statistic == "equalized_odds" else (statistic,)
    if found:
        return found
    return tuple(name for name in (*_RECORDED.values(), "auc", "ece") if name in metric.split("_"))


def _of_block(record: JobRecord, block: str) -> Figure:
    trio = record.trio
    layout = next(iter(trio.evaluations.values())).layouts[block]
    metrics = _metrics(record.headline.metric, layout.columns)
    plot = go.Figure()
    for metric in metrics:
        for model in trio.models:
            _add_bars(plot, trio, model, metric, block, layout.cells)
    of_headline = statistics_of(record.headline.metric)
    first = next(
        (n for n, metric in enumerate(metrics) if metric.partition("[")[0] in of_headline), 0
    )
    chosen_by_menu(plot, [_words(metric) for metric in metrics], len(trio.models), first)
    cells = len(layout.cells)
    plot.update_yaxes(
        tickvals=list(range(cells)),
        ticktext=_ticks(layout.cells, trio.evaluations["student"], block),
        range=[cells - 0.5, -0.5],
    )
    plot.update_xaxes(title_text=f"{_words(metrics[first])} (test)", rangemode="tozero")
    plot.update_layout(barmode="group", bargap=0.25)
    height = cells * (_BAR * len(trio.models) + _BETWEEN) + _AROUND
    return Figure(
        f"groups-{slug(block)}",
        f"Groups of {block}",
        _caption(trio, block, metrics),
        theme.finished(plot, max(height, 280)),
    )


def _metrics(headline: str, columns: Sequence[str]) -> list[str]:
    """The columns to choose from: every class's where there are several."""
    wanted = dict.fromkeys((*ALWAYS, *statistics_of(headline)))
    return [column for name in wanted for column in columns if column.partition("[")[0] == name]


def _words(metric: str) -> str:
    """A column as a title: ``selection rate of <class>``, from data and so literal."""
    name, _, of_class = metric.partition("[")
    words = name.replace("_", " ")
    return literal(f"{words} of {of_class.removesuffix(']')}" if of_class else words)


def _add_bars(
    plot: go.Figure, trio: Trio, model: str, metric: str, block: str, cells: Sequence[str]
) -> None:
    found = trio.evaluations[model]
    names = [f"{metric}/{block}.{cell}" for cell in cells]
    values = [found.metrics[name] for name in names]
    ends = [found.intervals.get(name, (math.nan, math.nan)) for name in names]
    place = theme.model_place(model, trio.models)
    plot.add_bar(
        x=values,
        y=list(range(len(cells))),
        orientation="h",
        name=literal(model),
        legendgroup=model,
        marker=_bar_look(place),
        error_x={
            "array": [high - value for value, (_, high) in zip(values, ends, strict=True)],
            "arrayminus": [value - low for value, (low, _) in zip(values, ends, strict=True)],
            "color": theme.NEUTRAL,
            "symmetric": False,
            "thickness": 1,
            "width": 2,
        },
        hoverinfo="text",
        hovertext=[
            hover(
                cell,
                [
                    f"{literal(model)}: {_words(metric)} {_value(value, interval)}",
                    counted(_rows(found, block, cell), "row"),
                ],
            )
            for cell, value, interval in zip(cells, values, ends, strict=True)
        ],
    )


def _bar_look(place: int) -> Mapping[str, Any]:
    return {
        "color": theme.colour(place),
        "pattern": {"shape": theme.pattern(place), "fillmode": "overlay", "size": 5},
    }


def _value(value: float, interval: tuple[float, float]) -> str:
    low, high = interval
    return number(value) + ("" if math.isnan(low) else f" [{number(low)}, {number(high)}]")


def _rows(found: Evaluation, block: str, cell: str) -> int:
    return int(found.metrics[f"count/{block}.{cell}"])


def _ticks(cells: Sequence[str], found: Evaluation, block: str) -> list[str]:
    """Each group's name and number of rows."""
    return [
        f"{name}, n={_rows(found, block, cell):,}"
        for name, cell in zip(ticks(cells, _ON_AXIS), cells, strict=True)
    ]


def _caption(trio: Trio, block: str, metrics: Sequence[str]) -> str:
    cells = trio.evaluations["student"].layouts[block].cells
    undefined = {
        (model, metric, cell)
        for model, found in trio.evaluations.items()
        for metric in metrics
        for cell in cells
        if math.isnan(found.metrics[f"{metric}/{block}.{cell}"])
    }
    models = ", ".join(trio.models)
    gaps = ""
    if undefined:
        of = len(trio.models) * len(metrics) * len(cells)
        where = len({cell for _, _, cell in undefined})
        gaps = (
            f" {len(undefined)} of {of} values, in {counted(where, 'group')}, are undefined "
            "(nothing to divide by) and left empty."
        )
    return (
        f"{counted(len(cells), 'group')} of {block} on test, {models} side by side; the menu "
        f"chooses the rate. Bars' lines are intervals over test rows.{gaps}"
    )
