"""One row for each configuration of a sweep, best first.

Repetitions of a configuration are averaged. Configurations are compared by their means on
*validation*, and reported on test, which chooses nothing. The order, "best first": by Pareto rank
(`fairkd.sweeps.front`; rank 1 is the front), and within a rank by accuracy minus disparity, all of
it on validation; then by the lowest job number.

Only configurations with the same headline disparity on the same data set are compared: a sweep over
statistics, group blocks or data sets holds several comparisons, each with its own ranks and front.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from fairkd.record import Headline
from fairkd.sweeps.estimate import Estimate, over_repetitions
from fairkd.sweeps.front import ranks
from fairkd.sweeps.labels import labels
from fairkd.sweeps.outcome import MEASURES, MODELS, SPLITS, Measure, Model, Outcome, Split
from fairkd.sweeps.repetitions import distinct, what_varies

_DATA_KEYS = ("data._target_", "data.name")


@dataclass(frozen=True)
class Row:
    """One configuration.

    Attributes:
        rank: by non-dominated sorting on validation within its comparison, from 1; ``None`` where
            accuracy or disparity is undefined there.
        configuration: its key without seeds.
        varied: what the sweep varies, by dotted key, with this configuration's values.
        headline: which disparity is meant.
        repetitions: its jobs with different seeds.
        repetitions_vary: what they vary, and what a statement about them is conditional on.
        estimates: by model, split and measure. Each is over the repetitions in which that model is
            a different one: a teacher is one model while only ``seed`` varies.
        minus_control: the student minus the control on test by measure, paired by repetition; the
            interval is of the mean of the differences.
        outcomes: its jobs by number, those with repeated seeds included.
    """

    rank: int | None
    configuration: str
    varied: Mapping[str, object]
    headline: Headline
    repetitions: int
    repetitions_vary: str
    estimates: Mapping[tuple[Model, Split, Measure], Estimate]
    minus_control: Mapping[Measure, Estimate]
    outcomes: tuple[Outcome, ...]

    @property
    def on_front(self) -> bool:
        """Whether no configuration of its comparison dominates it on validation."""
        return self.rank == 1

    @property
    def comparison(self) -> str:
        """What it may be compared on: rows of one sweep with equal texts are compared."""
        data = [str(self.varied[key]) for key in _DATA_KEYS if key in self.varied]
        place = f" on {data[0].rpartition('.')[2]}" if data else ""
        return f"{self.headline.metric} by {self.headline.block}{place}"

    def estimate(self, model: Model, split: Split, measure: Measure) -> Estimate:
        """One of `estimates`."""
        return self.estimates[model, split, measure]


@dataclass(frozen=True)
class Summary:
    """All configurations of a sweep.

    Attributes:
        confidence: of each interval over repetitions by itself.
        rows: one a configuration: comparisons in the order of their first job, best first within
            each.
    """

    confidence: float
    rows: tuple[Row, ...]

    @property
    def jobs(self) -> int:
        """The number of finished jobs."""
        return sum(len(row.outcomes) for row in self.rows)

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """Of each configuration by its key, what is varied (`fairkd.sweeps.labels.labels`)."""
        texts = labels([row.varied for row in self.rows])
        return dict(zip((row.configuration for row in self.rows), texts, strict=True))

    def comparisons(self) -> dict[str, list[Row]]:
        """The rows of each comparison, best first."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.comparison, []).append(row)
        return found


def summarise(outcomes: Iterable[Outcome], confidence: float = 0.95) -> Summary:
    """The rows of a sweep; the order of the outcomes does not matter.

    Args:
        outcomes: of the finished jobs; none give no rows.
        confidence: of the Student t intervals over repetitions.
    """
    repeated: dict[str, list[Outcome]] = {}
    for outcome in sorted(outcomes, key=lambda outcome: outcome.number):
        repeated.setdefault(outcome.configuration, []).append(outcome)
    rows = [_row(jobs, confidence) for jobs in repeated.values()]
    compared: dict[str, list[Row]] = {}
    for row in rows:
        compared.setdefault(row.comparison, []).append(row)
    return Summary(
        confidence, tuple(row for together in compared.values() for row in _best_first(together))
    )


def _row(outcomes: Sequence[Outcome], confidence: float) -> Row:
    first = outcomes[0]
    repetitions = distinct(outcomes)
    return Row(
        rank=None,
        configuration=first.configuration,
        varied=dict(first.varied),
        headline=first.headline,
        repetitions=len(repetitions),
        repetitions_vary=what_varies(repetitions),
        estimates={
            (model, split, measure): _estimate(outcomes, model, split, measure, confidence)
            for model in MODELS
            for split in SPLITS
            for measure in MEASURES
        },
        minus_control={
            measure: over_repetitions(
                [
                    job.value("student", "test", measure) - job.value("control", "test", measure)
                    for job in repetitions
                ],
                confidence,
            )
            for measure in MEASURES
        },
        outcomes=tuple(outcomes),
    )


def _estimate(
    outcomes: Sequence[Outcome], model: Model, split: Split, measure: Measure, confidence: float
) -> Estimate:
    jobs = distinct(outcomes, model)
    found = over_repetitions([job.value(model, split, measure) for job in jobs], confidence)
    if (model, split, measure) != ("student", "test", "disparity"):
        return found
    low, high = (jobs[0].metrics.get(f"test/disparity_{end}", math.nan) for end in ("low", "high"))
    return found.with_rows_interval(low, high)


def _best_first(rows: Sequence[Row]) -> list[Row]:
    on_validation = [
        tuple(row.estimate("student", "validation", measure).mean for measure in MEASURES)
        for row in rows
    ]
    found = ranks([accuracy for accuracy, _ in on_validation], [gap for _, gap in on_validation])
    ranked = [replace(row, rank=rank) for row, rank in zip(rows, found, strict=True)]

    def order(place: int) -> tuple[float, float, int]:
        accuracy, gap = on_validation[place]
        rank = found[place]
        if rank is None:
            return math.inf, 0.0, rows[place].outcomes[0].number
        return rank, gap - accuracy, rows[place].outcomes[0].number

    return [ranked[place] for place in sorted(range(len(rows)), key=order)]
