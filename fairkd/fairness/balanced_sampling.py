"""Training rows drawn so that every cell comes equally often."""

from collections.abc import Mapping

import torch
from torch import Tensor

from fairkd import checks
from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.cells import cell_shares, cell_sums
from fairkd.fairness.mitigation import RowWeights
from fairkd.fairness.names import CELLS


def equal_cells(cells: Tensor) -> Tensor:
    r"""How much more often than by itself a row of each cell is drawn, shape ``[G, L]``.

    .. math:: w_c = \frac{n}{k \, n_c}

    over the k cells that have rows, of which there are n; 1 for a cell without.

    Args:
        cells: n_c, shape ``[G, L]``.
    """
    present = cells > 0
    return torch.where(present, cells.sum() / (present.sum() * cells.clamp(min=1e-12)), 1.0)


class BalancedSampling(RowWeights):
    """Batches whose rows are drawn, with replacement, from every cell with equal probability.

    An epoch has as many steps as ever. Rows of unknown group keep the share of the batches that
    they have of the split; a row of uncertain group or label is drawn from each cell as often as
    its share in it says. (Idrissi, Arjovsky, Pezeshki and Lopez-Paz, "Simple data balancing
    achieves competitive worst-group-accuracy", CLeaR 2022.)

    In training the rows' weights stay as they are. Validation has all of its rows once, and they
    weigh what drawing them so would make of them, so that epochs are compared by what is trained.

    Args:
        blocks: the data's group blocks.
        n_classes: C.
        by: the block; ``None`` is the data's first.
        of: ``group`` for the block's cells, ``group_and_label`` for each of them by label.

    Raises:
        ConfigError: an unknown block or word.
    """

    table: Tensor

    def __init__(
        self, blocks: Blocks, n_classes: int, by: str | None = None, of: str = "group_and_label"
    ) -> None:
        super().__init__()
        self.block = blocks.named(by)
        self.of = checks.choice("of", of, CELLS)
        n_labels = n_classes if self.of == "group_and_label" else 1
        self.register_buffer("table", torch.ones(len(self.block.cells), n_labels))

    def learn(self, splits: Mapping[str, Batch]) -> None:
        """Count the training rows."""
        train = splits["train"]
        cells = cell_sums(self.block.of(train.group).double(), train.y, self.table.shape[1])
        self.table = equal_cells(cells).to(self.table)

    def factors(self, batch: Batch, epoch: Tensor) -> Tensor:
        """1 in training; on validation how often the rows would be drawn, shape ``[B]``."""
        often = self.how_often(batch)
        return torch.where(epoch.isfinite(), torch.ones_like(often), often)

    def how_often(self, batch: Batch) -> Tensor:
        """How much more often than without balance each row is drawn, shape ``[B]``."""
        members = self.block.of(batch.group).to(self.table.dtype)
        cells = cell_shares(members, batch.y, self.table.shape[1])
        return (cells * self.table).sum((-1, -2)) + (1 - members.sum(-1))
