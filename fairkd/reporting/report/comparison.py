"""One comparison of a sweep, and which of its configurations the answer is about."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from fairkd.sweeps.choice import best_repetition, choose, closest
from fairkd.sweeps.outcome import Outcome
from fairkd.sweeps.summary import Row


@dataclass(frozen=True)
class Compared:
    """The rows of one comparison as the answer looks at them.

    Attributes:
        rows: its configurations, best first.
        labels: of each, what is varied; empty where nothing is.
        threshold: what the gap is to stay within.
        chosen: the most accurate row that keeps the threshold, both on validation; ``None`` where
            no row does.
        closest: the row of the smallest gap on validation; ``None`` where every row's gap is
            undefined in some repetition.
        alone: the row of distillation alone that is most like the one the answer is about; ``None``
            where there is none.
    """

    rows: Sequence[Row]
    labels: Sequence[str]
    threshold: float
    chosen: Row | None
    closest: Row | None
    alone: Row | None

    @property
    def subject(self) -> Row | None:
        """The row that the answer is about: the chosen one, or the closest."""
        return self.chosen or self.closest

    @property
    def job(self) -> Outcome | None:
        """Of the subject's repetitions the one to take, chosen on validation as well."""
        if self.subject is None:
            return None
        return best_repetition(self.subject, self.threshold if self.chosen else None)

    def label(self, row: Row) -> str:
        """What is varied, with the row's values."""
        places = [one.configuration for one in self.rows]
        return self.labels[places.index(row.configuration)]


def compared(
    rows: Sequence[Row], labels: Sequence[str], threshold: float, alone: Collection[str]
) -> Compared:
    """Choose from one comparison, on validation alone.

    Args:
        rows: its configurations, best first.
        labels: one text for each.
        threshold: of the gap.
        alone: the configurations of distillation alone: no constraint that counts, no mitigation,
            nothing after the student and nothing in its place.
    """
    found = choose(rows, threshold)
    subject = None if found is None else found.row
    chosen = found.row if found is not None and found.is_within else None
    candidates = [row for row in rows if row.configuration in alone]
    nearest = (
        min(candidates, key=lambda row: (_differing(row, subject), -_accuracy(row)), default=None)
        if subject is not None
        else None
    )
    return Compared(rows, labels, threshold, chosen, closest(rows), nearest)


def _differing(row: Row, other: Row) -> int:
    """By how many of the varied values two configurations differ."""
    keys = {**row.varied, **other.varied}
    return sum(row.varied.get(key) != other.varied.get(key) for key in keys)


def _accuracy(row: Row) -> float:
    value = row.estimate("student", "validation", "accuracy").everywhere
    return -math.inf if math.isnan(value) else value
