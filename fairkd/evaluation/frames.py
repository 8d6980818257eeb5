"""Per-group rates by Fairlearn, from counts instead of rows.

A cell of ``counts`` becomes one row of a `fairlearn.metrics.MetricFrame` weighted by its count:
the same numbers as over all rows, in a fraction of the time. Where Fairlearn reports 0 for a rate
without a denominator, NaN is put.
"""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd
import torch
from fairlearn.metrics import (
    MetricFrame,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.metrics import accuracy_score, precision_score

from fairkd.evaluation.rates import reported

_ONE_VERSUS_REST = {
    "selection_rate": partial(selection_rate, pos_label=1),
    "true_positive_rate": partial(true_positive_rate, pos_label=1),
    "false_positive_rate": partial(false_positive_rate, pos_label=1),
    "precision": partial(precision_score, pos_label=1, zero_division=np.nan),
}


def frame_rates(counts: NDArray[np.float64]) -> dict[str, torch.Tensor]:
    """Fairlearn's per-group rates.

    Args:
        counts: rows by group, true and predicted class, shape ``[G, C, C]``.

    Returns:
        As `fairkd.evaluation.rates.recorded_rates`: accuracy ``[G]``, the others ``[G, K]``.
    """
    cells = _Cells(counts)
    kept = reported(counts.shape[-1])
    accurate = {"accuracy": accuracy_score}
    # Of two classes, one against the other is the whole truth: one frame has it all.
    wanted = {**accurate, **_ONE_VERSUS_REST} if len(kept) == 1 else _ONE_VERSUS_REST
    per_class = [cells.frame(wanted, cells.true == k, cells.predicted == k) for k in kept]
    whole = per_class[0]
    if len(kept) > 1:
        whole = cells.frame(accurate, cells.true, cells.predicted)
    found = {"accuracy": torch.from_numpy(whole["accuracy"].to_numpy(copy=True))}
    for name in _ONE_VERSUS_REST:
        columns = np.stack([frame[name].to_numpy() for frame in per_class], axis=-1)
        found[name] = torch.from_numpy(columns)
    return _undefined_as_nan(found, counts)


class _Cells:
    """The non-empty cells as rows with weights."""

    def __init__(self, counts: NDArray[np.float64]) -> None:
        self.group, self.true, self.predicted = np.nonzero(counts)
        self.weight = counts[self.group, self.true, self.predicted]
        self.n_groups = counts.shape[0]

    def frame(
        self, metrics: Mapping[str, object], y_true: NDArray[np.int64], y_pred: NDArray[np.int64]
    ) -> pd.DataFrame:
        """The metrics of every group, NaN for groups without rows."""
        groups = pd.RangeIndex(self.n_groups)
        if not self.weight.size:
            return pd.DataFrame(np.nan, index=groups, columns=list(metrics))
        # Our own arrays need no validation, which takes longer than the metrics.
        with config_context(assume_finite=True, skip_parameter_validation=True):
            by_group: pd.DataFrame = MetricFrame(
                metrics=dict(metrics),
                y_true=y_true.astype(int),
                y_pred=y_pred.astype(int),
                sensitive_features=pd.Series(self.group),
                sample_params={name: {"sample_weight": self.weight} for name in metrics},
            ).by_group
        return by_group.reindex(groups).astype(float)


def _undefined_as_nan(
    rates: dict[str, torch.Tensor], counts: NDArray[np.float64]
) -> dict[str, torch.Tensor]:
    kept = reported(counts.shape[-1])
    positives = torch.from_numpy(counts.sum(-1)[:, kept])
    negatives = torch.from_numpy(counts.sum((-1, -2))[:, None]) - positives
    denominators = {"true_positive_rate": positives, "false_positive_rate": negatives}
    for name, denominator in denominators.items():
        rates[name] = torch.where(denominator > 0, rates[name], torch.nan)
    return rates
