"""How far each group's stated probabilities are from what happens.

With two classes the confidence is the probability of the positive class and the outcome is the
label (so a bin asks: of the rows given 0.8, are 80% positive?). With more it is the top class's
probability and whether that class is right. Bins are equally wide, closed on the left; 1 belongs to
the last. (Guo et al., "On calibration of modern neural networks", ICML 2017.)
"""

import torch
from torch import Tensor
from torchmetrics import Metric


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
        probabilities: softmax at T = 1, shape ``[..., B, C]``.
        y: class indices, shape ``[..., B]``.
        memberships: shape ``[..., B, G]``; a zero row is not counted.
        n_bins: the number of bins.

    Returns:
        Shape ``[..., G, n_bins, 3]``, float64: count, sum of confidence, sum of correctness.
    """
    confidence, outcome = confidence_and_outcome(probabilities, y)
    numbers = torch.arange(n_bins, device=confidence.device)
    inside = (bins_of(confidence, n_bins).unsqueeze(-1) == numbers).to(torch.float64)
    values = torch.stack([torch.ones_like(confidence), confidence, outcome], -1)
    return torch.einsum("...bg,...bk,...bv->...gkv", memberships.to(torch.float64), inside, values)


def expected_calibration_error(cells: Tensor) -> Tensor:
    """ECE of each group: the mean over its rows of the gap between confidence and outcome.

    Args:
        cells: `calibration_cells`, shape ``[..., G, n_bins, 3]``.

    Returns:
        Shape ``[..., G]``; NaN for a group without rows.
    """
    count, confidence, outcome = cells.unbind(-1)
    return (confidence - outcome).abs().sum(-1) / count.sum(-1)


def cells_by_outcome(
    probabilities: Tensor, y: Tensor, memberships: Tensor, n_bins: int
) -> tuple[Tensor, Tensor]:
    """Split the cells by whether the claim came true, so that they can be resampled.

    Takes the arguments of `calibration_cells`.

    Returns:
        Counts and mean confidences, shape ``[G, n_bins, 2]`` each (last axis: not true, true).
    """
    _, outcome = confidence_and_outcome(probabilities, y)
    both = [
        calibration_cells(probabilities, y, memberships * came[..., None], n_bins)
        for came in (1 - outcome, outcome)
    ]
    cells = torch.stack(both, dim=-2)
    return cells[..., 0], cells[..., 1] / cells[..., 0].clamp_min(1)


def error_of_outcomes(counts: Tensor, mean_confidence: Tensor) -> Tensor:
    """`expected_calibration_error` of (resampled) counts by outcome.

    Args:
        counts: shape ``[..., G, n_bins, 2]``.
        mean_confidence: of each cell, shape ``[G, n_bins, 2]``.

    Returns:
        Shape ``[..., G]``.
    """
    claimed = (counts * mean_confidence).sum(-1)
    return expected_calibration_error(torch.stack([counts.sum(-1), claimed, counts[..., 1]], -1))


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
