"""A job's end on the terminal: the trio side by side, and what changed for each group."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fairkd.evaluation.compression import Cost
from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.transfer import REFERENCES
from fairkd.evaluation.trio import MODELS, Trio
from fairkd.sweeps.numbers import UNDEFINED, UNKNOWN, count, interval, number

DISPARITIES = {
    "selection-rate gap": "demographic_parity_difference",
    "TPR gap": "equal_opportunity_difference",
    "equalized odds": "equalized_odds_difference",
    "worst-group accuracy": "worst_group_accuracy",
}
"""What the tables call the record's metrics."""

COSTS: Mapping[str, Callable[[Cost], str]] = {
    "parameters": lambda cost: count(cost.parameters),
    "bytes": lambda cost: count(cost.bytes),
    "latency, 1 row": lambda cost: f"{cost.latency_ms_batch_1:.3f} ms" if cost.known else UNKNOWN,
}


def show_trio(
    trio: Trio, blocks: Iterable[str], positive: str | None, threshold: float, console: Console
) -> None:
    """Print a trio's test results; every table fits into 80 columns.

    Args:
        trio: what was measured.
        blocks: the group blocks to show, the most important first.
        positive: the positive class, whose rows are "selected"; ``None`` for more than two classes.
        threshold: the decision threshold.
        console: where to.
    """
    rule = (
        f"selected: probability of {escape(positive)} at least {threshold:g}"
        if positive is not None
        else "the most likely class; rates are of each class against the rest, the worst counts"
    )
    first, *others = blocks
    console.print(_models_table(trio, first, f"Test, by {escape(first)} ({rule})"))
    for block in others:
        console.print(_models_table(trio, block, f"By {escape(block)}", overall=False))
    if trio.matched:
        console.print(_matched_table(trio, first))
    for block in (first, *others):
        console.print(_changes_table(trio.transfers[block], block))
    for table in _further_tables(trio, first):
        console.print(table)
    for model in trio.further:
        console.print(_changes_table(trio.further[model][first], first, model))
    console.print(_flips_table(trio.transfers[first], first))
    for block in (first, *others):
        for line in _change_lines(trio.transfers[block], block):
            console.print(line, highlight=False)
    console.print(_smaller(trio), highlight=False)
    for line in (*_further_lines(trio, first), *alike_lines(trio), *_undefined_lines(trio)):
        console.print(line, highlight=False)


def _models_table(
    trio: Trio, block: str, title: str, overall: bool = True, models: Sequence[str] = MODELS
) -> Table:
    """Metrics as rows, each with its 95% (or chosen) interval; models as columns."""
    table = _table(title, "", *models)
    metrics = {"accuracy": "accuracy", "AUC": "auc"} if overall else {}
    metrics |= {heading: f"{metric}/{block}" for heading, metric in DISPARITIES.items()}
    for heading, metric in metrics.items():
        table.add_row(heading, *(_with_interval(trio.evaluations[m], metric) for m in models))
    if overall:
        table.add_section()
        for heading, shown in COSTS.items():
            table.add_row(heading, *(shown(trio.costs[model]) for model in models))
    return table


def _further_tables(trio: Trio, block: str) -> Iterable[Table]:
    """The further models beside the student; two of them fit into a table of 80 columns."""
    names = list(trio.further)
    for start in range(0, len(names), 2):
        models = ("student", *names[start : start + 2])
        title = f"Beside the student, on test, by {escape(block)}"
        table = _models_table(trio, block, title, models=models)
        not_zero = [count(trio.costs[model].nonzero) for model in models]
        table.add_row("parameters not 0", *not_zero)
        yield table


def _matched_table(trio: Trio, block: str) -> Table:
    table = _table(
        "At thresholds from validation that make the models comparable",
        "at equal", "", "threshold", "accuracy", "selection gap", "TPR gap", "odds gap",
    )  # fmt: skip
    gaps = list(DISPARITIES.values())[:3]
    for rule, matched in trio.matched.items():
        for model in matched.evaluations:
            found = matched.evaluations[model].metrics
            table.add_row(
                rule.removeprefix("equal_").replace("_", " ") if model == MODELS[0] else "",
                model,
                f"{matched.thresholds.thresholds[model]:.3f}",
                *(number(found[name]) for name in ("accuracy", *(f"{g}/{block}" for g in gaps))),
            )
        table.add_section()
    return table


def _changes_table(transfer: Evaluation, block: str, model: str = "student") -> Table:
    """For each group: agreement with the teacher, and rates minus those of two other models."""
    references = _compared_with(model)
    table = _table(
        f"What changed for each group of {escape(block)}: "
        f"{_called(model)} minus {', and '.join(references)}",
        "group", "rows", "fidelity", "minus", "accuracy", "selected", "TPR",
    )  # fmt: skip
    rates = ("accuracy", "selection_rate", "true_positive_rate")
    for group, row in transfer.tables[block].iterrows():
        for reference in references:
            changes = [_signed(_worst(row, f"{rate}_change_from_{reference}")) for rate in rates]
            told = (
                (escape(str(group)), f"{int(row['count']):,}", number(row["fidelity"]))
                if reference == references[0]
                else ("", "", "")
            )
            table.add_row(*told, reference, *changes)
    return table


def _called(model: str) -> str:
    return f"the {model}" if model in MODELS else f"the {model} model"


def _compared_with(model: str) -> Sequence[str]:
    return REFERENCES if model == "student" else (REFERENCES[0], "student")


def _further_lines(trio: Trio, block: str) -> Iterable[str]:
    """What each further model's gaps became, and how large it is."""
    for model, changes in trio.further.items():
        for heading, metric in list(DISPARITIES.items())[:3]:
            name = f"{metric}_change_from_student/{block}"
            change = f"{_signed(changes[block].metrics[name])}{_interval(changes[block], name)}"
            yield f"{model}: {heading} by {escape(block)} {change} against the student"
        cost = trio.costs[model]
        size = cost.bytes / trio.costs["student"].bytes
        zeros = cost.nonzero < cost.parameters
        kept = (
            f", {cost.nonzero / cost.parameters:.1%} of its parameters are not 0" if zeros else ""
        )
        yield f"{model}: {size:.1%} of the student's bytes{kept}"


def _flips_table(transfer: Evaluation, block: str) -> Table:
    """Rows that one of the two models decides rightly and the other wrongly."""
    table = _table(
        "Flips (harmful: the other was right and the student is wrong; beneficial: the reverse)",
        "label", "group", "rows", "against", "harmful", "beneficial",
    )  # fmt: skip
    for _, row in transfer.tables[f"{block}/flips"].iterrows():
        for reference in REFERENCES:
            flips = [
                f"{int(row[name]):,} ({_share(row[f'{name}_share'])})"
                for name in (f"{kind}_flips_from_{reference}" for kind in ("harmful", "beneficial"))
            ]
            told = (
                (escape(str(row["label"])), escape(str(row["group"])), f"{int(row['count']):,}")
                if reference == REFERENCES[0]
                else ("", "", "")
            )
            table.add_row(*told, reference, *flips)
    return table


def _change_lines(transfer: Evaluation, block: str) -> Iterable[str]:
    for heading, metric in list(DISPARITIES.items())[:3]:
        changes = [
            f"{_signed(transfer.metrics[name])}{_interval(transfer, name)} against the {reference}"
            for reference in REFERENCES
            for name in [f"{metric}_change_from_{reference}/{block}"]
        ]
        yield f"{heading} by {escape(block)}: {', '.join(changes)}"


def _smaller(trio: Trio) -> str:
    """Agreement with the teacher, and how much smaller the student is, as far as it is counted."""
    transfer = next(iter(trio.transfers.values()))
    ratios = trio.cost_ratios()
    counted = {"parameters": "parameters", "multiply_adds": "multiply-adds"}
    shares = [f"{ratios[n]:.1%} of its {word}" for n, word in counted.items() if ratios[n] > 0]
    size = f", with {' and '.join(shares)}" if shares else ""
    agreement = number(transfer.metrics["fidelity"])
    unknown = "" if trio.costs["teacher"].known else "; the teacher's own size and time are unknown"
    return f"the student decides as the teacher does on {agreement} of the rows{size}{unknown}"


def alike_lines(trio: Trio) -> Iterable[str]:
    """A model that decides every row alike has no gap, and says nothing about fairness."""
    for model in trio.models:
        rates = [
            float(value)
            for table in trio.evaluations[model].tables.values()
            for column in table.columns
            if str(column).split("[")[0] == "selection_rate"
            for value in table[column].dropna()
        ]
        if rates and all(rate in (0.0, 1.0) for rate in rates):
            yield f"{_called(model)} decides all rows alike: its gaps of 0 mean nothing"


def _undefined_lines(trio: Trio) -> Iterable[str]:
    for model in trio.models:
        names = trio.evaluations[model].undefined
        if names:
            few = ", ".join(escape(name) for name in names[:4])
            more = f" and {len(names) - 4} more" if len(names) > 4 else ""
            yield f"{UNDEFINED} for {_called(model)} (nothing to divide by): {few}{more}"


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place == 0 else "right", overflow="fold")
    return table


def _with_interval(evaluation: Evaluation, metric: str) -> str:
    value = number(evaluation.metrics[metric])
    low, high = evaluation.intervals.get(metric, (math.nan, math.nan))
    # An en dash and no space: a narrow column must not break the interval.
    return value if math.isnan(low) else f"{value} [dim]{low:.3f}\u2013{high:.3f}[/dim]"


def _interval(evaluation: Evaluation, metric: str) -> str:
    return interval(evaluation.intervals.get(metric)).replace("[", "\\[")


def _worst(row: "pd.Series[float]", name: str) -> float:
    """A change; with several classes the one of largest magnitude."""
    if name in row:
        return float(row[name])
    of_classes = [float(row[c]) for c in row.index if str(c).startswith(f"{name}[")]
    known = [value for value in of_classes if not math.isnan(value)]
    return max(known, key=abs, default=math.nan)


def _signed(value: float) -> str:
    return number(value, signed=True)


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1%}"
