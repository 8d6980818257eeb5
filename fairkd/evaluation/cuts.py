"""The ways in which a decision threshold can divide a model's rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DEFAULT = 0.5


@dataclass(frozen=True, eq=False)
class Cuts:
    """Every way a threshold can divide a model's rows, from selecting all to selecting none.

    Equal scores stay together: no threshold can separate them.

    Attributes:
        threshold: one threshold for each cut, ascending: 0.5 where that is one, else midway between
            two scores.
        selected: the share of rows at or above it.
        accuracy: the share of rows decided right.
    """

    threshold: NDArray[np.float64]
    selected: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @classmethod
    def of(cls, scores: NDArray[np.float64], y: NDArray[np.int64]) -> "Cuts":
        """The cuts of rows in ascending order.

        Args:
            scores: of the positive class, ascending, shape ``[N]``.
            y: the labels (0 or 1) of the same rows.
        """
        n = len(scores)
        # Cut k leaves the k lowest distinct scores below the threshold.
        first = np.flatnonzero(np.diff(scores, prepend=-np.inf))
        below = np.append(first, n)
        positives_below = np.append(0, np.cumsum(y))[below]
        negatives_above = (n - below) - (positives_below[-1] - positives_below)
        return cls(
            threshold=_representatives(scores[first]),
            selected=(n - below) / n,
            accuracy=(n - positives_below - negatives_above) / n,
        )

    def nearest(self, values: NDArray[np.float64], target: float) -> int:
        """The cut whose value is nearest to a target; of equals that nearest to 0.5."""
        distance = np.abs(values - target)
        nearest = np.flatnonzero(distance == distance.min())
        return int(nearest[np.abs(self.threshold[nearest] - DEFAULT).argmin()])


def _representatives(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """One threshold for each cut of ascending, distinct scores."""
    above_all = np.nextafter(1.0, 2.0)
    lower = np.concatenate([[-np.inf], scores])
    upper = np.concatenate([scores, [above_all]])
    middle = (np.maximum(lower, 0.0) + upper) / 2
    middle = np.where(middle > lower, middle, upper)
    return np.where((lower < DEFAULT) & (upper >= DEFAULT), DEFAULT, middle)
