"""Group DRO: the groups of which the labels are learned worst count most."""

import torch
from torch import Tensor

from fairkd import checks
from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.cells import cell_shares
from fairkd.fairness.mitigation import LabelLoss
from fairkd.fairness.names import CELLS
from fairkd.models.features import ModelOutputs
from fairkd.models.probabilities import cross_entropy
from fairkd.models.shares import group_means, raised


class GroupDRO(LabelLoss):
    r"""The groups' losses under shares that rise where a loss is large.

    .. math:: \sum_g q_g L_g, \qquad q_g \propto q_g \exp(\eta L_g)

    with L_g the mean cross-entropy with the labels in a group under the rows' weights, and q raised
    by a batch before its step. Groups absent from a batch keep their shares and contribute nothing,
    rows of unknown group contribute nothing. On validation it is the worst group's loss. (Sagawa,
    Koh, Hashimoto and Liang, "Distributionally robust neural networks", ICLR 2020.)

    Args:
        blocks: the data's group blocks.
        n_classes: C.
        by: the block; ``None`` is the data's first.
        of: what a group is: ``group`` for a cell of the block, ``group_and_label`` for each of them
            by label.
        rate: eta, at least 0; at 0 all groups count equally throughout.

    Raises:
        ConfigError: an unknown block or word, or a value out of its range.
    """

    rate: Tensor
    shares: Tensor

    def __init__(
        self,
        blocks: Blocks,
        n_classes: int,
        by: str | None = None,
        of: str = "group_and_label",
        rate: float = 0.01,
    ) -> None:
        super().__init__()
        self.block = blocks.named(by)
        self.of = checks.choice("of", of, CELLS)
        self.n_labels = n_classes if self.of == "group_and_label" else 1
        self.knob("rate", rate, least=0.0)
        n_groups = len(self.block.cells) * self.n_labels
        self.register_buffer("shares", torch.full((n_groups,), 1.0 / n_groups))

    def aggregated(self, losses: Tensor, batch: Batch, epoch: Tensor) -> Tensor:
        """The loss, shape ``[]``."""
        of_groups, present = self._of_groups(losses, batch)
        shares = raised(self.shares, of_groups.detach(), present, self.rate)
        worst = torch.where(present, of_groups, 0.0).amax()
        return torch.where(epoch.isfinite(), (shares * of_groups).sum(), worst)

    def advanced(self, student: ModelOutputs, batch: Batch, epoch: Tensor) -> dict[str, Tensor]:  # noqa: ARG002
        """The raised shares."""
        of_groups, present = self._of_groups(cross_entropy(student.logits, batch.y), batch)
        return {"shares": raised(self.shares, of_groups, present, self.rate)}

    def _of_groups(self, losses: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Each group's mean loss, and which groups are present, shape ``[G]``."""
        members = self.block.of(batch.group).to(losses.dtype) * batch.weight[:, None]
        return group_means(losses, cell_shares(members, batch.y, self.n_labels).flatten(1))
