"""Teacher, control and student side by side, as a table.

Rows are the three models, then what changed: the student's value minus the teacher's, and minus the
control's. Columns are named as in a tracked run, ``<metric>``, ``<disparity>/<block>`` and
``<rate>/<block>.<group>``, each with the bounds of its interval beside it; those of changes are
paired: all models are read on the same resampled rows.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.evaluation.bound import Bound
from fairkd.evaluation.evaluate import evaluate_decisions
from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.held import Held, held
from fairkd.evaluation.intervals import mean_interval
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.evaluation.transfer import REFERENCES, transfer
from fairkd.evaluation.trio import MODELS
from fairkd.evaluation.truth import Truth

_RATES = {
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
    "accuracy": (),
}
Cells = dict[str, float]


def report(
    logits: Mapping[str, Tensor],
    rows: Batch,
    truth: Truth,
    bounds: Sequence[Bound],
    settings: EvaluationSettings,
) -> pd.DataFrame:
    """The table.

    Args:
        logits: of teacher, control and student, shape ``[N, C]`` each.
        rows: labels and groups of the same rows.
        truth: the same.
        bounds: what the student was to keep; without any, the gap of selection rates of every block
            is shown.
        settings: threshold, confidence and draws.
    """
    models = {name: Predictions.from_logits(logits[name], truth) for name in MODELS}
    asked = list(bounds) or [
        Bound("selection_rate", "largest_difference", block, 1.0) for block in truth.blocks
    ]
    sides = _Sides(models, rows, asked, settings)
    table = {name: sides.of_model(name) for name in MODELS}
    table |= {f"student - {name}": sides.change_from(name) for name in REFERENCES}
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("model")


@dataclass(frozen=True, eq=False)
class _Sides:
    models: Mapping[str, Predictions]
    rows: Batch
    bounds: Sequence[Bound]
    settings: EvaluationSettings

    def of_model(self, name: str) -> Cells:
        """A model's row."""
        evaluation = self._evaluations[name]
        cells = _with_interval("accuracy", evaluation, "accuracy")
        for bound in self._held:
            if bound.name in evaluation.metrics:
                cells |= _with_interval(bound.name, evaluation, bound.name)
            else:
                low, high = bound.intervals.get(name, (math.nan, math.nan))
                cells |= _three(bound.name, bound.values["test"][name], low, high)
        for block, columns in self._columns.items():
            for cell in evaluation.layouts[block].cells:
                for column in columns:
                    metric = f"{column}/{block}.{cell}"
                    cells |= _with_interval(metric, evaluation, metric)
        return cells

    def change_from(self, reference: str) -> Cells:
        """The student's values minus those of the reference."""
        student, other = self.models["student"], self.models[reference]
        at = self.settings.threshold
        right = [(model.predicted(at) == model.y).astype(np.float64) for model in (student, other)]
        change = right[0] - right[1]
        interval = mean_interval(change, self.settings.confidence)
        cells = _three("accuracy", float(change.mean()), interval.low, interval.high)
        for bound in self._held:
            changes = self._changes[bound.block]
            metric = f"{bound.metric}_change_from_{reference}/{bound.block}"
            if metric in changes.metrics:
                cells |= _with_interval(bound.name, changes, metric)
            else:
                values = bound.values["test"]
                value = values["student"] - values[reference]
                cells |= _three(bound.name, value, math.nan, math.nan)
        for block, columns in self._columns.items():
            changes = self._changes[block]
            for place, cell in enumerate(changes.layouts[block].cells):
                for column in columns:
                    rate, bracket, label = column.partition("[")
                    metric = f"{rate}_change_from_{reference}{bracket}{label}/{block}.{cell}"
                    cells |= _with_interval(f"{column}/{block}.{cell}", changes, metric)
                flips = changes.flips[block]
                for kind in ("harmful_flips", "beneficial_flips"):
                    counts = flips.counts[f"{kind}_from_{reference}"]
                    cells[f"{kind}/{block}.{cell}"] = float(sum(counts[place :: len(flips.cells)]))
        return cells

    @cached_property
    def _evaluations(self) -> dict[str, Evaluation]:
        at = [(model, self.settings.threshold) for model in self.models.values()]
        return dict(zip(self.models, evaluate_decisions(at, self.settings), strict=True))

    @cached_property
    def _held(self) -> list[Held]:
        of_test = {"test": self.models}, {"test": self.rows}
        return [held(bound, *of_test, self.settings) for bound in self.bounds]

    @cached_property
    def _columns(self) -> dict[str, list[str]]:
        """For each block that a bound is about, the per-group columns to show."""
        layouts = self._evaluations["student"].layouts
        found: dict[str, list[str]] = {}
        for bound in self.bounds:
            wanted = {"accuracy", *_RATES.get(bound.statistic, (bound.statistic,))}
            shown = found.setdefault(bound.block.name, [])
            shown += [
                column
                for column in layouts[bound.block.name].columns
                if column.partition("[")[0] in wanted and column not in shown
            ]
        return found

    @cached_property
    def _changes(self) -> dict[str, Evaluation]:
        trio = self.models["student"], self.models["teacher"], self.models["control"]
        return {block: transfer(*trio, block, self.settings) for block in self._columns}


def _with_interval(name: str, evaluation: Evaluation, metric: str) -> Cells:
    low, high = evaluation.intervals[metric]
    return _three(name, evaluation.metrics[metric], low, high)


def _three(name: str, value: float, low: float, high: float) -> Cells:
    return {name: value, f"{name}_low": low, f"{name}_high": high}
