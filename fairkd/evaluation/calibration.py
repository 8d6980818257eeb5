"""How far each group's stated probabilities are from what happens.

With two classes the confidence is the probability of the positive class and the outcome is the
label (so a bin asks: of the rows given 0.8, are 80% positive?). With more it is the top class's
probability and whether that class is right. Bins are equally wide, closed on the left; 1 belongs to
the last. (Guo et al., "On calibration of modern neural networks", ICML 2017.)
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics import Metric

from fairkd.evaluation.rates import total


def confidence_and_outcome(probabilities: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """What is claimed of each row and whether it came true, float64, shape ``[..., B]`` each.

    Args:
        probabilities: softmax at T = 1, shape ``[..., B, C]``.
        y: class indices, shape ``[..., B]``.
    """
    if probabilities.shape[-1] == 2:
        return probabilities[..., 1].to(torch.float64), y.to(torch.float64)
    confidence, predicted = probabilities.max(-1)
    return confidence.to(torch.float64), (predicted == y).to(torch.float64)


def bins_of(confidence: Tensor, n_bins: int) -> Tensor:
    """The bin of each confidence in [0, 1], int64."""
    inner_edges = torch.linspace(0, 1, n_bins + 1, dtype=torch.float64, device=confidence.device)
    return torch.bucketize(confidence.contiguous(), inner_edges[1:-1], right=True)


def calibration_cells(probabilities: Tensor, y: Tensor, memberships: Tensor, n_bins: int) -> Tensor:
    """Sum rows, confidences and outcomes by group and confidence bin.

    Args:
        probabilities: softmax at T = 1, shape ``[B, C]``.
        y: class indices, shape ``[B]``.
        memberships: shape ``[B, G]``; a zero row is not counted.
        n_bins: the number of bins.

    Returns:
        Shape ``[G, n_bins, 3]``, float64: count, sum of confidence, sum of correctness.
    """
    confidence, outcome = confidence_and_outcome(probabilities, y)
    numbers = torch.arange(n_bins, device=confidence.device)
    inside = (bins_of(confidence, n_bins).unsqueeze(-1) == numbers).to(torch.float64)
    values = torch.stack([torch.ones_like(confidence), confidence, outcome], -1)
    of_group = memberships.to(torch.float64).unsqueeze(-1) * values.unsqueeze(-2)
    cells = inside.T @ of_group.flatten(1)
    return cells.reshape(n_bins, memberships.shape[-1], 3).transpose(0, 1)


def expected_calibration_error(cells: Tensor) -> Tensor:
    """ECE of each group: the mean over its rows of the gap between confidence and outcome.

    Args:
        cells: `calibration_cells`, shape ``[..., G, n_bins, 3]``.

    Returns:
        Shape ``[..., G]``; NaN for a group without rows.
    """
    return _error(*cells.unbind(-1))


def _error(count: Tensor, confidence: Tensor, outcome: Tensor) -> Tensor:
    return total((confidence - outcome).abs(), -1) / total(count, -1)


class Claims(NamedTuple):
    """What a model claims of each row and where that falls, shape ``[N]`` each.

    Attributes:
        confidence: float64.
        cell: the confidence's bin and whether the claim came true, as one number.
        n_bins: the number of bins.
    """

    confidence: NDArray[np.float64]
    cell: NDArray[np.int64]
    n_bins: int


def claims(probabilities: NDArray[np.float64], y: NDArray[np.int64], n_bins: int) -> Claims:
    """The claims of every row.

    Args:
        probabilities: softmax at T = 1, shape ``[N, C]``.
        y: class indices, shape ``[N]``.
        n_bins: the number of bins.
    """
    stated = confidence_and_outcome(torch.from_numpy(probabilities), torch.from_numpy(y))
    confidence, outcome = stated
    cell = 2 * bins_of(confidence, n_bins) + outcome.long()
    return Claims(confidence.numpy(), cell.numpy(), n_bins)


def cells_by_outcome(
    claimed: Claims, group: NDArray[np.int64], n_groups: int
) -> tuple[Tensor, Tensor]:
    """Count claims by group, bin and whether they came true, so that they can be resampled.

    Args:
        claimed: of every row.
        group: each row's group, shape ``[N]``; ``n_groups`` for a row that is not counted.
        n_groups: G.

    Returns:
        Counts and mean confidences, shape ``[G, n_bins, 2]`` each (last axis: not true, true).
    """
    width = 2 * claimed.n_bins
    place = group * width + claimed.cell
    least = (n_groups + 1) * width
    counts = np.bincount(place, minlength=least)[: n_groups * width]
    sums = np.bincount(place, weights=claimed.confidence, minlength=least)[: n_groups * width]
    shape = (n_groups, claimed.n_bins, 2)
    means = sums / np.maximum(counts, 1)
    return (
        torch.from_numpy(counts.reshape(shape).astype(np.float64)),
        torch.from_numpy(means.reshape(shape)),
    )


def error_of_outcomes(counts: Tensor, mean_confidence: Tensor) -> Tensor:
    """`expected_calibration_error` of (resampled) counts by outcome.

    Args:
        counts: shape ``[..., G, n_bins, 2]``.
        mean_confidence: of each cell, shape ``[G, n_bins, 2]``.

    Returns:
        Shape ``[..., G]``.
    """
    claimed = total(counts * mean_confidence, -1)
    return _error(total(counts, -1), claimed, counts[..., 1])


class GroupCalibration(Metric):
    """Running `calibration_cells`, the sum over batches and processes."""

    full_state_update = False
    cells: Tensor

    def __init__(self, n_groups: int, n_bins: int = 15) -> None:
        super().__init__()
        self.n_bins = n_bins
        zeros = torch.zeros(n_groups, n_bins, 3, dtype=torch.float64)
        self.add_state("cells", default=zeros, dist_reduce_fx="sum")

    def update(self, probabilities: Tensor, y: Tensor, memberships: Tensor) -> None:
        """Add a batch: ``probabilities [B, C]``, ``y [B]`` and ``memberships [B, G]``."""
        self.cells += calibration_cells(probabilities, y, memberships, self.n_bins)

    def compute(self) -> Tensor:
        """The cells so far, shape ``[G, n_bins, 3]``; read by `expected_calibration_error`."""
        return self.cells.clone()
