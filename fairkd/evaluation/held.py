"""How a configured bound stands: the very disparity that it bounds, for every model and split."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
import torch.nn.functional as F

from fairkd.data.batch import Batch
from fairkd.evaluation.bootstrap import bootstrap
from fairkd.evaluation.bound import Bound, in_words
from fairkd.evaluation.decided import block_counts
from fairkd.evaluation.evaluation import encoded, number
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.fairness.names import RECORDED_AS


@dataclass(frozen=True)
class Held:
    """A bound and what became of it.

    Attributes:
        statistic: which rate.
        disparity: which number from the groups' values.
        block: the name of the block whose cells are compared.
        threshold: the bound.
        values: the disparity of each model's decisions, by split and model; NaN where undefined.
        intervals: each model's bootstrap interval on test; empty for a disparity that the record
            has an interval of anyway, and for loss, which no table of decisions has.
    """

    statistic: str
    disparity: str
    block: str
    threshold: float
    values: Mapping[str, Mapping[str, float]]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def metric(self) -> str:
        """The disparity's name among a run's metrics."""
        return recorded_name(self.statistic, self.disparity)

    @property
    def name(self) -> str:
        """The same with its block, as an evaluation's metrics have it."""
        return f"{self.metric}/{self.block}"

    @property
    def words(self) -> str:
        """The disparity in words: ``largest difference of selection rate by sex``."""
        return in_words(self.statistic, self.disparity, self.block)

    def holds(self, model: str, split: str = "test") -> bool | None:
        """Whether a model keeps the bound; ``None`` where its disparity is undefined."""
        value = self.values[split][model]
        return None if math.isnan(value) else value <= self.threshold

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values for standard JSON."""
        values = {
            split: {"models": list(of), "values": encoded(list(of.values()))}
            for split, of in self.values.items()
        }
        intervals = {name: encoded(list(ends)) for name, ends in self.intervals.items()}
        return {**asdict(self), "values": values, "intervals": intervals}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Held":
        """What `to_json` gave."""
        values = {
            split: dict(zip(of["models"], map(number, of["values"]), strict=True))
            for split, of in plain["values"].items()
        }
        intervals = {
            name: (number(low), number(high)) for name, (low, high) in plain["intervals"].items()
        }
        return cls(**{**plain, "values": values, "intervals": intervals})


def recorded_name(statistic: str, disparity: str) -> str:
    """What a run's metrics call a disparity of a statistic."""
    if disparity == "largest_difference" and statistic in RECORDED_AS:
        return RECORDED_AS[statistic]
    return f"{disparity}_of_{statistic}"  # nothing else in a record ends like this


def held(
    bound: Bound,
    predictions: Mapping[str, Mapping[str, Predictions]],
    splits: Mapping[str, Batch],
    settings: EvaluationSettings,
) -> Held:
    """How a bound stands.

    Args:
        bound: what is to hold.
        predictions: by split and model.
        splits: the same rows as batches.
        settings: with the threshold of decisions between two classes.
    """

    def value(of_model: Predictions, rows: Batch) -> float:
        if bound.statistic == "loss":  # of probabilities: decisions have no cross-entropy
            given = torch.from_numpy(of_model.probabilities)
        else:
            decided = torch.from_numpy(of_model.predicted(settings.threshold))
            given = F.one_hot(decided, len(of_model.classes)).double()
        return bound.value(given, rows)

    return Held(
        statistic=bound.statistic,
        disparity=bound.disparity,
        block=bound.block.name,
        threshold=bound.threshold,
        values={
            split: {name: value(of_model, splits[split]) for name, of_model in models.items()}
            for split, models in predictions.items()
        },
        intervals=_intervals(bound, predictions["test"], settings),
    )


def _intervals(
    bound: Bound, models: Mapping[str, Predictions], settings: EvaluationSettings
) -> dict[str, tuple[float, float]]:
    if bound.statistic == "loss":
        return {}
    if recorded_name(bound.statistic, bound.disparity) in RECORDED_AS.values():
        return {}
    truth = next(iter(models.values())).truth
    decided = [of_model.predicted(settings.threshold) for of_model in models.values()]
    tables = torch.stack([block_counts(truth, bound.block, decisions) for decisions in decided])
    found = bootstrap(
        tables.numpy(),
        lambda counts: {"gap": bound.of_counts(counts)},
        truth.row_draws(settings.draws, settings.seed),
        settings.confidence,
    )["gap"].intervals
    return {
        name: (float(found.low[place]), float(found.high[place]))
        for place, name in enumerate(models)
    }
