"""Row weights under which group and label are independent."""

from collections.abc import Mapping

import torch
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.cells import cell_shares, cell_sums
from fairkd.fairness.mitigation import RowWeights


def independence_weights(cells: Tensor) -> Tensor:
    r"""The weight of each cell of group and label, shape ``[G, C]``.

    .. math:: w_{gy} = \frac{n_g \, n_y}{n \, n_{gy}}

    the share that the cell would have if group and label were independent, over the share that it
    has; 1 for a cell without rows. (Kamiran and Calders, "Data preprocessing techniques for
    classification without discrimination", Knowledge and Information Systems 2012.)

    Args:
        cells: n_gy, shape ``[G, C]``.
    """
    expected = cells.sum(1, keepdim=True) * cells.sum(0, keepdim=True)
    found = cells.sum() * cells
    return torch.where(found > 0, expected / torch.where(found > 0, found, 1.0), 1.0)


class Reweighing(RowWeights):
    """`independence_weights`, counted on the training rows whose group is known.

    A row weighs the mean of its cells' weights under its memberships and its label; what it lacks
    of a known group weighs 1. The weights hold for every value that is one of each row: labels,
    soft targets, hints, an adversary's loss; and on validation, where epochs are compared, as well.
    Constraints, and terms that compare rows with each other, have no row weights.

    Args:
        blocks: the data's group blocks.
        n_classes: C.
        by: the block; ``None`` is the data's first.

    Raises:
        ConfigError: there is no such block.
    """

    table: Tensor

    def __init__(self, blocks: Blocks, n_classes: int, by: str | None = None) -> None:
        super().__init__()
        self.block = blocks.named(by)
        self.register_buffer("table", torch.ones(len(self.block.cells), n_classes))

    def learn(self, splits: Mapping[str, Batch]) -> None:
        """Count the training rows, each by its own weight."""
        train = splits["train"]
        members = self.block.of(train.group).double() * train.weight.double()[:, None]
        cells = cell_sums(members, train.y, self.table.shape[1])
        self.table = independence_weights(cells).to(self.table)

    def factors(self, batch: Batch, epoch: Tensor) -> Tensor:  # noqa: ARG002
        """The rows' weights, shape ``[B]``, in training and on validation."""
        members = self.block.of(batch.group).to(self.table.dtype)
        cells = cell_shares(members, batch.y, self.table.shape[1])
        return (cells * self.table).sum((-1, -2)) + (1 - members.sum(-1))
