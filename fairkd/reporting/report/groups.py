"""The chosen student group by group, beside its control and its teacher."""

import math

import pandas as pd

from fairkd.evaluation.trio import MODELS, Trio
from fairkd.reporting.report.document import Cell, Table
from fairkd.sweeps.numbers import with_ends

_RATES = {
    "accuracy": "accuracy",
    "selection_rate": "selected",
    "true_positive_rate": "TPR",
    "false_positive_rate": "FPR",
    "auc": "AUC",
    "ece": "calibration error",
}


def groups_table(trio: Trio, block: str, name: str) -> Table:
    """A row for each group and model.

    Args:
        trio: of the chosen job.
        block: the group block.
        name: of the table.
    """
    models = list(dict.fromkeys((*MODELS, trio.final)))
    tables = {model: trio.evaluations[model].tables[block] for model in models}
    first = tables[MODELS[0]]
    columns = {
        str(column): _heading(str(column))
        for column in first.columns
        if str(column).partition("[")[0] in _RATES and not str(column).endswith(("_low", "_high"))
    }
    return Table(
        name=name,
        title=f"The groups of {block}",
        caption=(
            "One job, on test; [a, b] are its intervals over test rows. A rate without rows to "
            "divide by is undefined, not 0."
        ),
        headings=("group", "rows", "model", *columns.values()),
        rows=tuple(
            (
                Cell(str(group)),
                Cell(f"{int(first.loc[group, 'count']):,}", float(first.loc[group, "count"])),
                Cell(model),
                *(_cell(tables[model].loc[group], column) for column in columns),
            )
            for group in first.index
            for model in models
        ),
        marked=frozenset(
            place
            for place, model in enumerate([model for _ in first.index for model in models])
            if model == trio.final
        ),
    )


def _heading(column: str) -> str:
    rate, _, of_class = column.partition("[")
    return f"{_RATES[rate]} of {of_class.removesuffix(']')}" if of_class else _RATES[rate]


def _cell(row: "pd.Series[float]", column: str) -> Cell:
    value = float(row[column])
    low, high = (float(row.get(f"{column}_{end}", math.nan)) for end in ("low", "high"))
    return Cell(with_ends(value, (low, high)), value)
