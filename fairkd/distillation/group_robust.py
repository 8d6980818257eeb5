"""Group-robust distillation: the groups that the student serves worst count most."""

import torch
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Block, Blocks
from fairkd.distillation.mixture import MixtureTerm
from fairkd.distillation.schedule import Schedule
from fairkd.models.features import ModelOutputs
from fairkd.models.shares import group_means, raised


class GroupRobust(MixtureTerm):
    r"""Labels and soft targets by group, under shares that grow where the loss is large.

    .. math:: \sum_g q_g \left[ (1 - \alpha) \mathrm{CE}_g + \alpha T^2 \mathrm{KL}_g \right]

    Its groups' means are under the rows' weights; rows without a group count for nothing. It holds
    its own cross-entropy, so labels count nothing beside it. (Vilouras, Liu, Sanchez,
    O'Neil and Tsaftaris, "Group distributionally robust knowledge distillation", 2023.)

    Args:
        weight: the term's factor.
        alpha: share of the soft targets, from 0 to 1.
        temperature: see `SoftenedTerm`.
        temperature_scaling: see `SoftenedTerm`.
        rate: eta of the shares' ascent, at least 0; at 0 all groups count equally throughout.
        by: the block of the groups; ``None`` is the data's first.
        schedule: see `SoftenedTerm`.

    Raises:
        ConfigError: a value out of its range.
    """

    alpha: Tensor
    rate: Tensor
    shares: Tensor
    block: Block

    def __init__(
        self,
        weight: float = 1.0,
        alpha: float = 0.9,
        temperature: float = 4.0,
        temperature_scaling: str = "squared",
        rate: float = 0.01,
        by: str | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(weight, temperature, temperature_scaling, schedule)
        self.knob("alpha", alpha, least=0.0, most=1.0)
        self.knob("rate", rate, least=0.0)
        self.by = by

    def find_groups(self, blocks: Blocks) -> None:
        """Find the block, and give its groups equal shares.

        Raises:
            ConfigError: there is no such block.
        """
        self.block = blocks.named(self.by)
        n_groups = len(self.block.cells)
        self.register_buffer("shares", torch.full((n_groups,), 1.0 / n_groups))

    def forward(
        self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch, epoch: Tensor
    ) -> Tensor:
        """The groups' losses under the shares that this batch raises, shape ``[]``."""
        losses, present = self._losses(student, teacher, batch, epoch)
        return (raised(self.shares, losses.detach(), present, self.rate) * losses).sum()

    def advanced(
        self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch, epoch: Tensor
    ) -> dict[str, Tensor]:
        """The raised shares."""
        losses, present = self._losses(student, teacher, batch, epoch)
        return {"shares": raised(self.shares, losses, present, self.rate)}

    def _losses(
        self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch, epoch: Tensor
    ) -> tuple[Tensor, Tensor]:
        rows = self.mixed(student, teacher, batch, self.alpha, epoch)
        weighted = self.block.of(batch.group) * batch.weight[:, None]
        return group_means(rows, weighted.to(rows.dtype))
