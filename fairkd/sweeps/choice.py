"""One student of a sweep, chosen on validation: the most accurate whose gap is within a threshold.

Test chooses nothing: whether the student keeps the threshold there is seen afterwards.
"""

import math
from collections.abc import Sequence

from fairkd import checks
from fairkd.errors import DataError
from fairkd.sweeps.outcome import Outcome
from fairkd.sweeps.repetitions import distinct
from fairkd.sweeps.summary import Row, Summary


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
    fair = [row for row in rows if _gap(row) <= threshold and not math.isnan(_accuracy(row))]
    return min(
        fair, key=lambda row: (-_accuracy(row), _gap(row), row.outcomes[0].number), default=None
    )


def best_row(summary: Summary, threshold: float | None = None) -> Row:
    """The best configuration: `within` a threshold, or without one the first of the summary.

    Raises:
        ConfigError: the threshold is no number.
        DataError: there is nothing to choose from, or nothing that may be chosen.
    """
    comparisons = summary.comparisons()
    if len(comparisons) != 1:
        raise DataError(
            f"These runs hold {len(comparisons)} comparisons that do not mix "
            f"({'; '.join(comparisons)}), so none is best of all; give the runs of one by query=."
            if comparisons
            else "There is no finished job to choose from."
        )
    (rows,) = comparisons.values()
    if threshold is not None:
        checks.number("threshold", threshold)
        found = within(rows, threshold)
        if found is None:
            raise DataError(_none_within(rows, threshold))
        return found
    if rows[0].rank is None:
        raise DataError(
            f"No configuration has a defined accuracy and gap ({rows[0].comparison}) on "
            "validation, so none is best; give one as run=."
        )
    return rows[0]


def best_repetition(row: Row, threshold: float | None = None) -> Outcome:
    """The one model to take of a configuration: of its repetitions, chosen on validation alike.

    With a threshold the most accurate whose own gap is within it; without one the largest accuracy
    minus gap. Of equals the lowest job number.

    Args:
        row: as `best_row` gave it for the same threshold, so that one of them can be chosen.
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


def _none_within(rows: Sequence[Row], threshold: float) -> str:
    gaps = [_gap(row) for row in rows if not math.isnan(_gap(row))]
    among = (
        "it is undefined for all of them"
        if not gaps
        else f"the smallest is {min(gaps):.3f}; raise threshold, or sweep larger constraint weights"
    )
    return (
        f"No configuration has a gap ({rows[0].comparison}) within threshold={threshold:g} on "
        f"validation: {among}."
    )


def _gap(row: Row) -> float:
    """The mean gap on validation; NaN where a repetition's is undefined."""
    return row.estimate("student", "validation", "disparity").everywhere


def _accuracy(row: Row) -> float:
    return row.estimate("student", "validation", "accuracy").everywhere
