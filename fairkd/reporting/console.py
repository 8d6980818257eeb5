"""A job's end on the terminal: the trio side by side, what was transferred, and what to do next."""

import math
from collections.abc import Callable, Iterable, Mapping

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fairkd.evaluation.compression import Cost
from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.transfer import REFERENCES
from fairkd.evaluation.trio import MODELS, Trio

UNDEFINED = "undefined"

DISPARITIES = {
    "selection-rate gap": "demographic_parity_difference",
    "TPR gap": "equal_opportunity_difference",
    "equalized odds": "equalized_odds_difference",
    "worst-group accuracy": "worst_group_accuracy",
}
"""Column headings of the trio's table, and the metrics below them."""


def show_trio(trio: Trio, block: str, threshold: float, console: Console) -> None:
    """Print a trio's test results for one group block.

    Args:
        trio: what was measured.
        block: whose groups are compared.
        threshold: the decision threshold of the first table.
        console: where to.
    """
    two_classes = bool(trio.matched)
    rule = f"threshold {threshold:g}" if two_classes else "most likely class"
    console.print(_main_table(trio, block, f"Test, by {escape(block)}, {rule}"))
    if trio.matched:
        console.print(_matched_table(trio, block))
    console.print(_transfer_table(trio.transfers[block], block))
    console.print(_flips_table(trio.transfers[block], block))
    for line in _transfer_lines(trio, block):
        console.print(line, highlight=False)
    for line in _undefined_lines(trio):
        console.print(line, highlight=False)


def _main_table(trio: Trio, block: str, title: str) -> Table:
    table = _table(title, "", "accuracy", "AUC", *DISPARITIES)
    costs: Mapping[str, Callable[[Cost], str]] = {
        "parameters": lambda cost: f"{cost.parameters:,}",
        "bytes": lambda cost: f"{cost.bytes:,}",
        "latency": lambda cost: f"{cost.latency_ms_batch_1:.3f} ms",
    }
    for heading in costs:
        table.add_column(heading, justify="right")
    metrics = ["accuracy", "auc", *(f"{metric}/{block}" for metric in DISPARITIES.values())]
    for model in MODELS:
        evaluation = trio.evaluations[model]
        measured = [_with_interval(evaluation, metric) for metric in metrics]
        table.add_row(model, *measured, *(shown(trio.costs[model]) for shown in costs.values()))
    return table


def _matched_table(trio: Trio, block: str) -> Table:
    table = _table(
        "The same with thresholds from validation that make the models comparable",
        "", "at equal", "threshold", "accuracy", *DISPARITIES,
    )  # fmt: skip
    metrics = ["accuracy", *(f"{metric}/{block}" for metric in DISPARITIES.values())]
    for rule, matched in trio.matched.items():
        for model in MODELS:
            table.add_row(
                model,
                rule.removeprefix("equal_").replace("_", " "),
                f"{matched.thresholds.thresholds[model]:.3f}",
                *(_number(matched.evaluations[model].metrics[metric]) for metric in metrics),
            )
        table.add_section()
    return table


def _transfer_table(transfer: Evaluation, block: str) -> Table:
    """What changed for each group: agreement with the teacher, and rates against both."""
    found = transfer.tables[block]
    table = _table(
        f"What changed for each group of {escape(block)}: the student minus ...",
        "group", "rows", "fidelity",
        *(f"{heading}, {r}" for heading in ("accuracy", "selection", "TPR") for r in REFERENCES),
    )  # fmt: skip
    rates = ("accuracy", "selection_rate", "true_positive_rate")
    for group, row in found.iterrows():
        changes = [
            _signed(_worst(row, f"{rate}_change_from_{reference}"))
            for rate in rates
            for reference in REFERENCES
        ]
        table.add_row(
            escape(str(group)), f"{int(row['count']):,}", _number(row["fidelity"]), *changes
        )
    return table


def _flips_table(transfer: Evaluation, block: str) -> Table:
    """Rows that one of the two models decides rightly and the other wrongly."""
    table = _table(
        "Flips: rows the student decides otherwise (harmful: it was right before)",
        "label", "group", "rows",
        *(f"{kind}, {r}" for r in REFERENCES for kind in ("harmful", "beneficial")),
    )  # fmt: skip
    for _, row in transfer.tables[f"{block}/flips"].iterrows():
        flips = [
            f"{int(row[name]):,} ({_share(row[f'{name}_share'])})"
            for name in (
                f"{kind}_flips_from_{r}" for r in REFERENCES for kind in ("harmful", "beneficial")
            )
        ]
        table.add_row(
            escape(str(row["label"])), escape(str(row["group"])), f"{int(row['count']):,}", *flips
        )
    return table


def _transfer_lines(trio: Trio, block: str) -> Iterable[str]:
    transfer = trio.transfers[block]
    for heading, metric in list(DISPARITIES.items())[:3]:
        changes = [
            f"{_signed(transfer.metrics[name])} {_interval(transfer, name)} against the {reference}"
            for reference in REFERENCES
            for name in [f"{metric}_change_from_{reference}/{block}"]
        ]
        yield f"{heading} by {escape(block)}: {', '.join(changes)}"
    fidelity = _number(transfer.metrics["fidelity"])
    yield f"the student decides as the teacher does on {fidelity} of the rows{_smaller(trio)}"


def _smaller(trio: Trio) -> str:
    """How much smaller the student is, as far as its layers can be counted."""
    ratios = trio.cost_ratios()
    counted = {"parameters": "parameters", "multiply_adds": "multiply-adds"}
    shares = [f"{ratios[n]:.1%} of its {word}" for n, word in counted.items() if ratios[n] > 0]
    return f", with {' and '.join(shares)}" if shares else ""


def _undefined_lines(trio: Trio) -> Iterable[str]:
    for model in MODELS:
        names = trio.evaluations[model].undefined
        if names:
            few = ", ".join(escape(name) for name in names[:4])
            more = f" and {len(names) - 4} more" if len(names) > 4 else ""
            yield f"{UNDEFINED} for the {model} (nothing to divide by): {few}{more}"


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place == 0 else "right")
    return table


def _with_interval(evaluation: Evaluation, metric: str) -> str:
    value = _number(evaluation.metrics[metric])
    low, high = evaluation.intervals.get(metric, (math.nan, math.nan))
    # An en dash and no space: a narrow column must not break the interval.
    return value if math.isnan(low) else f"{value}\n[dim]{low:.3f}\u2013{high:.3f}[/dim]"


def _interval(evaluation: Evaluation, metric: str) -> str:
    low, high = evaluation.intervals.get(metric, (math.nan, math.nan))
    return "" if math.isnan(low) else f"\\[{low:.3f}, {high:.3f}]"


def _worst(row: "pd.Series[float]", name: str) -> float:
    """A change; with several classes the one of largest magnitude."""
    if name in row:
        return float(row[name])
    of_classes = [float(row[c]) for c in row.index if str(c).startswith(f"{name}[")]
    known = [value for value in of_classes if not math.isnan(value)]
    return max(known, key=abs, default=math.nan)


def _number(value: float) -> str:
    return UNDEFINED if math.isnan(value) else f"{value:.3f}"


def _signed(value: float) -> str:
    return UNDEFINED if math.isnan(value) else f"{value:+.3f}"


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1%}"
