"""Whether an exported student says what the student itself says of the same rows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fairkd.errors import DataError
from fairkd.serving.student import Rows, Student

TOLERANCE = 1e-5
"""The largest difference of a probability that counts as none."""


@dataclass(frozen=True, eq=False)
class Scored:
    """What an exported student says of raw rows.

    Attributes:
        probabilities: shape ``[N, C]``.
        decided: the decided class of each row, shape ``[N]``; ``None`` where it decides nothing.
    """

    probabilities: npt.NDArray[np.float64]
    decided: npt.NDArray[np.object_] | None = None


Score = Callable[[Rows], Scored]


@dataclass(frozen=True)
class Agreement:
    """What a comparison found.

    Attributes:
        rows: how many were compared.
        largest: the largest difference of a probability.
    """

    rows: int
    largest: float


def agreement(student: Student, score: Score, rows: Rows) -> Agreement:
    """Score rows by the student and by its export: all together, and the first by itself.

    Args:
        student: what was exported.
        score: of the export.
        rows: at least two, as the student takes them.

    Raises:
        DataError: a probability differs by more than `TOLERANCE`, or another class is decided where
            the probabilities are further than that from a tie.
    """
    largest = max(_difference(student, score, part) for part in (rows, rows[:1]))
    if not largest <= TOLERANCE:
        raise DataError(
            f"The export's probabilities differ from the student's by up to {largest:.1e} on "
            f"{len(rows)} rows; accepted: {TOLERANCE:.0e}. Nothing was written: a model whose "
            "forward pass depends on its rows cannot be exported so; use format=mlflow."
        )
    return Agreement(len(rows), largest)


def _difference(student: Student, score: Score, rows: Rows) -> float:
    own, found = student.probabilities(rows), score(rows)
    probabilities = own.to_numpy()
    if found.probabilities.shape != probabilities.shape:
        return np.inf
    if found.decided is not None:
        other = found.decided != student.decided(own).to_numpy()
        if (_margins(probabilities, student.description.threshold)[other] > TOLERANCE).any():
            return np.inf
    return float(np.abs(probabilities - found.probabilities).max())


def _margins(
    probabilities: npt.NDArray[np.float64], threshold: float | None
) -> npt.NDArray[np.float64]:
    """How far each row is from being decided otherwise, shape ``[N]``."""
    if threshold is not None:
        return np.asarray(np.abs(probabilities[:, 1] - threshold))
    second, first = np.sort(probabilities, axis=1)[:, -2:].T
    return np.asarray(first - second)
