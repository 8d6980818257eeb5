"""A bound on a disparity, enforced by a penalty on what exceeds it."""

import torch
from torch import Tensor, nn

from fairkd import checks
from fairkd.data.batch import Batch
from fairkd.data.blocks import Block, Blocks
from fairkd.errors import ConfigError, unknown_name
from fairkd.fairness.disparities import find_disparity
from fairkd.fairness.statistics import find_statistic
from fairkd.models.features import ModelOutputs
from fairkd.models.probabilities import probabilities


class Penalty(nn.Module):
    r"""How far a disparity of soft predictions exceeds its threshold, in this batch.

    .. math:: \sum_s \max_k [\, d_{sk} - \varepsilon \,]_+

    over the statistic's conditions s (two for equalized odds) and classes k. Inside the bound it is
    0 and has no gradient: a feasible constraint is not punished. Predictions are softmax at T = 1
    whatever the temperature of distillation. Groups absent from the batch contribute nothing.

    Soft predictions close their gap before hard decisions do, or after: choose the weight by the
    hard gap on validation.

    Args:
        blocks: the data's group blocks.
        by: the block whose cells are compared; ``None`` is the data's first.
        statistic: see `fairkd.fairness.names.STATISTICS`.
        disparity: see `fairkd.fairness.names.DISPARITIES`.
        threshold: the bound, at least 0; at most 1 for statistics from 0 to 1.
        reference: the cell that average differences compare with; ``None`` is the block's first.
        weight: the term's factor in the objective, at least 0.

    Raises:
        ConfigError: an unknown name, or a value out of its range.
    """

    threshold: Tensor
    weight: Tensor

    def __init__(
        self,
        blocks: Blocks,
        by: str | None = None,
        statistic: str = "selection_rate",
        disparity: str = "largest_difference",
        threshold: float = 0.0,
        weight: float = 1.0,
        reference: str | None = None,
    ) -> None:
        super().__init__()
        self.block = blocks.named(by)
        self.statistic = find_statistic(statistic)
        self.disparity = find_disparity(disparity)
        self.reference = _place(reference, self.block)
        most = 1.0 if self.statistic.bounded else None
        for name, value in (
            ("threshold", checks.number("threshold", threshold, least=0.0, most=most)),
            ("weight", checks.number("weight", weight, least=0.0)),
        ):
            self.register_buffer(name, torch.tensor(value))

    def forward(self, student: ModelOutputs, batch: Batch) -> Tensor:
        """The unweighted violation, shape ``[]``."""
        excess = self._gaps(probabilities(student.logits), batch) - self.threshold
        return excess.relu().amax(-1).sum()

    def measured(self, decisions: Tensor, batch: Batch) -> Tensor:
        """The worst disparity of hard decisions, shape ``[]``: what the threshold is a bound on.

        Args:
            decisions: one-hot, shape ``[B, C]``.
            batch: the rows.
        """
        return self._gaps(decisions, batch).amax()

    def _gaps(self, probabilities: Tensor, batch: Batch) -> Tensor:
        rates = self.statistic.rates(probabilities, batch.y, self.block.of(batch.group))
        return self.disparity(rates, self.reference)


def _place(reference: str | None, block: Block) -> int:
    if reference is None:
        return 0
    if reference not in block.cells:
        raise ConfigError(
            unknown_name(f"cell of {block.name} in reference", reference, block.cells)
        )
    return block.cells.index(reference)
