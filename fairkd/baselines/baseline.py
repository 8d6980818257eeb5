"""What every baseline takes and gives: further rows beside teacher, control and student."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fairkd.data.dataset import Dataset
from fairkd.evaluation.compression import Cost
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.evaluation.truth import Truth

MEASURED = ("validation", "test")
"""The splits that rows decide."""


@dataclass(frozen=True)
class Given:
    """What a baseline stands beside, and may be fitted on.

    Attributes:
        dataset: prepared splits.
        predictions: of every model of the job, by split (`MEASURED`) and name. Test is there to be
            decided, never to be fitted on.
        final: the name of the model that the job made last: the student, or a compressed one.
        settings: how models are measured.
    """

    dataset: Dataset
    predictions: Mapping[str, Mapping[str, Predictions]]
    final: str
    settings: EvaluationSettings


@dataclass(frozen=True, eq=False)
class Row:
    """One further model, as far as it is measured: its decisions.

    Attributes:
        probabilities: by split, of the positive class, shape ``[N]``, float64: of a row that is
            decided at random, that of its being decided positive.
        decisions: by split, drawn once, shape ``[N]``, int64: 0 or 1.
        cost: its own; ``None`` where it adjusts the decisions of another model and costs as much.
        adjusts: that model's name.
    """

    probabilities: Mapping[str, NDArray[np.float64]]
    decisions: Mapping[str, NDArray[np.int64]]
    cost: Cost | None = None
    adjusts: str | None = None

    def predictions(self, split: str, truth: Truth) -> Predictions:
        """What it says about a split."""
        positive = self.probabilities[split]
        both = np.stack([1 - positive, positive], axis=1)
        return Predictions(both, truth, self.decisions[split])


@dataclass(frozen=True, eq=False)
class Fit:
    """What fitting a baseline gave.

    Attributes:
        rows: by name, in the order of `Baseline.rows`.
        facts: numbers about the fit, by name.
        seconds: it took.
    """

    rows: Mapping[str, Row]
    facts: Mapping[str, float]
    seconds: float


@runtime_checkable
class Baseline(Protocol):
    """Decides rows otherwise than a trained student does."""

    @property
    def by(self) -> str | None:
        """The group block; ``None`` is the data's first."""

    @property
    def statistic(self) -> str:
        """One of `fairkd.baselines.names.STATISTICS`."""

    @property
    def rows(self) -> tuple[str, ...]:
        """The names of its rows; the last is what the job is for."""

    def check(self, dataset: Dataset) -> None:
        """Refuse, before anything trains, data that it could not be fitted on.

        Raises:
            ConfigError: naming the group or the key, and what to do.
        """

    def fit(self, given: Given) -> Fit:
        """Fit it and decide every row of validation and test; every draw has an explicit seed.

        Raises:
            FairkdError: it cannot be fitted.
        """


Decide = Callable[[str], tuple[NDArray[np.float64], NDArray[np.int64]]]
"""From a split's name to probabilities and decisions."""


def decided(decide: Decide, *, cost: Cost | None = None, adjusts: str | None = None) -> Row:
    """The row of a rule, applied to every split that is measured."""
    found = {split: decide(split) for split in MEASURED}
    return Row(
        {split: probabilities for split, (probabilities, _) in found.items()},
        {split: decisions for split, (_, decisions) in found.items()},
        cost,
        adjusts,
    )


def drawn(probabilities: NDArray[np.float64], seed: int) -> NDArray[np.int64]:
    """Decisions at random with these probabilities, drawn as Fairlearn draws them from a seed."""
    uniform = np.random.RandomState(seed).rand(len(probabilities))
    return np.asarray(probabilities >= uniform, dtype=np.int64)
