"""One student of a sweep, chosen on validation: the most accurate whose gap is within a threshold.

Where none is within it, the one that comes closest is named, and that it is not within. Test
chooses nothing: whether the student keeps the threshold there is seen afterwards.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fairkd import checks
from fairkd.errors import DataError
from fairkd.sweeps.numbers import number
from fairkd.sweeps.outcome import Outcome
from fairkd.sweeps.repetitions import distinct
from fairkd.sweeps.summary import Row, Summary


@dataclass(frozen=True)
class Chosen:
    """A configuration to take.

    Attributes:
        row: the configuration.
        threshold: of its gap.
        is_within: whether its mean gap on validation is within the threshold; where it is not, no
            configuration's is.
    """

    row: Row
    threshold: float
    is_within: bool

    @property
    def outcome(self) -> Outcome:
        """Of its repetitions the one to take, chosen on validation alike."""
        return best_repetition(self.row, self.threshold if self.is_within else None)


def choose(rows: Sequence[Row], threshold: float) -> Chosen | None:
    """The most accurate configuration within a threshold; where there is none, the closest.

    Args:
        rows: of one comparison.
        threshold: of the mean gap on validation.

    Returns:
        ``None`` where no configuration's accuracy and gap are defined in every repetition.

    Raises:
        ConfigError: the threshold is no number.
    """
    checks.number("threshold", threshold)
    found = within(rows, threshold)
    if found is not None:
        return Chosen(found, threshold, is_within=True)
    near = closest(rows)
    return None if near is None else Chosen(near, threshold, is_within=False)


def within(rows: Sequence[Row], threshold: float) -> Row | None:
    """The most accurate configuration on validation whose mean gap there is within a threshold.

    Of equally accurate ones the one with the smaller gap, then the one whose first job has the
    lowest number. One whose accuracy or gap is undefined in a repetition is not chosen.

    Args:
        rows: of one comparison.
        threshold: the gap may be equal to it.

    Returns:
        ``None`` where no configuration is within it.
    """
    fair = [row for row in _defined(rows) if _gap(row) <= threshold]
    return min(
        fair, key=lambda row: (-_accuracy(row), _gap(row), row.outcomes[0].number), default=None
    )


def closest(rows: Sequence[Row]) -> Row | None:
    """The configuration of the smallest mean gap on validation.

    Of equal gaps the more accurate, then the one whose first job has the lowest number.

    Args:
        rows: of one comparison.

    Returns:
        ``None`` where each has an undefined accuracy or gap in a repetition.
    """
    return min(
        _defined(rows),
        key=lambda row: (_gap(row), -_accuracy(row), row.outcomes[0].number),
        default=None,
    )


def only_comparison(summary: Summary) -> list[Row]:
    """The configurations of a summary, best first.

    Raises:
        DataError: there are none, or they make several comparisons that do not mix.
    """
    comparisons = summary.comparisons()
    if len(comparisons) != 1:
        raise DataError(
            f"These runs hold {len(comparisons)} comparisons that do not mix "
            f"({'; '.join(comparisons)}), so none is best of all; give the runs of one by query=."
            if comparisons
            else "There is no finished job to choose from."
        )
    return next(iter(comparisons.values()))


def best_repetition(row: Row, threshold: float | None = None) -> Outcome:
    """The one model to take of a configuration: of its repetitions, chosen on validation alike.

    With a threshold the most accurate whose own gap is within it; without one the largest accuracy
    minus gap. Of equals the lowest job number.

    Args:
        row: whose mean gap on validation is within the threshold, so that one of them is.
        threshold: of the gap.
    """

    def worth(outcome: Outcome) -> tuple[float, float, int]:
        accuracy = outcome.value("student", "validation", "accuracy")
        gap = outcome.value("student", "validation", "disparity")
        first = accuracy - gap if threshold is None else accuracy
        return first, -gap, -outcome.number

    defined = [one for one in distinct(row.outcomes) if not math.isnan(worth(one)[0])]
    return max(
        (one for one in defined if threshold is None or -worth(one)[1] <= threshold), key=worth
    )


def in_words(chosen: Chosen, label: str = "") -> str:
    """What a configuration is among all: ``the most accurate whose gap is within 0.05 (w=1)``.

    Args:
        chosen: the configuration.
        label: what is varied, with its values.
    """
    which = f" ({label})" if label else ""
    if chosen.is_within:
        return f"the most accurate whose gap is within {chosen.threshold:g}{which}"
    return (
        f"the closest{which}, with a gap of {number(_gap(chosen.row))}, for none is within "
        f"{chosen.threshold:g}"
    )


def _defined(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if not math.isnan(_gap(row) + _accuracy(row))]


def _gap(row: Row) -> float:
    """The mean gap on validation; NaN where a repetition's is undefined."""
    return row.estimate("student", "validation", "disparity").everywhere


def _accuracy(row: Row) -> float:
    return row.estimate("student", "validation", "accuracy").everywhere
