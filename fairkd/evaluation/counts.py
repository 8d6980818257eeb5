"""How many rows of each group carry each pair of true and predicted class."""

import torch
from torch import Tensor
from torchmetrics import Metric

from fairkd.errors import ConfigError


def group_counts(predicted: Tensor, y: Tensor, memberships: Tensor, n_classes: int) -> Tensor:
    """Count rows by group, true class and predicted class.

    Leading axes broadcast, so stacked models can be counted at once (``predicted [K, B]`` with
    ``y [B]``).

    Args:
        predicted: class indices, shape ``[..., B]``.
        y: class indices, shape ``[..., B]``; a row whose label or prediction lies outside
            ``0 .. n_classes - 1`` is not counted.
        memberships: shape ``[..., B, G]``: one-hot, a distribution, or a zero row (not counted).
        n_classes: C.

    Returns:
        Shape ``[..., G, C, C]`` (group, true, predicted), float64: sums of memberships.
    """
    classes = torch.arange(n_classes, device=predicted.device)
    true = (y.unsqueeze(-1) == classes).to(torch.float64)
    guess = (predicted.unsqueeze(-1) == classes).to(torch.float64)
    return torch.einsum("...bg,...bt,...bp->...gtp", memberships.to(torch.float64), true, guess)


class GroupCounts(Metric):
    """Running `group_counts`, the sum over batches and processes.

    The state's shape never depends on a batch, so a batch without a group, a class, or any known
    group adds zeros in the right places. ``n_groups`` may be the width of all blocks together: a
    block's counts are then its rows of the result.
    """

    full_state_update = False
    counts: Tensor

    def __init__(self, n_groups: int, n_classes: int) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.n_groups = n_groups
        zeros = torch.zeros(n_groups, n_classes, n_classes, dtype=torch.float64)
        self.add_state("counts", default=zeros, dist_reduce_fx="sum")

    def update(self, predicted: Tensor, y: Tensor, memberships: Tensor) -> None:
        """Add a batch: ``predicted [B]``, ``y [B]`` (class indices) and ``memberships [B, G]``.

        Raises:
            ConfigError: the memberships have another number of columns than this metric has groups.
        """
        if memberships.shape[-1] != self.n_groups:
            raise ConfigError(
                f"The batch has {memberships.shape[-1]} group columns and the metric counts "
                f"{self.n_groups}; build it with the number of columns it will be fed."
            )
        self.counts += group_counts(predicted, y, memberships, self.n_classes)

    def compute(self) -> Tensor:
        """The counts so far, shape ``[G, C, C]``, float64; `fairkd.evaluation.rates` reads them."""
        return self.counts.clone()
