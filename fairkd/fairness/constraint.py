"""What every way to enforce a bound has in common: the bound itself."""

import torch.nn.functional as F
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Block, Blocks
from fairkd.errors import ConfigError, unknown_name
from fairkd.fairness.disparities import find_disparity
from fairkd.fairness.statistics import Rates, find_statistic
from fairkd.fairness.term import FairnessTerm
from fairkd.models.features import ModelOutputs
from fairkd.models.probabilities import probabilities


class Constraint(FairnessTerm):
    r"""A disparity of a statistic between the cells of a block, to be kept within a threshold.

    .. math:: c_{sk} = d_{sk} - \varepsilon \le 0

    for each condition s of the statistic (two for equalized odds) and class k. Predictions are
    softmax at T = 1 whatever the temperature of distillation. Groups absent from the batch
    contribute nothing.

    Args:
        blocks: the data's group blocks.
        by: the block whose cells are compared; ``None`` is the data's first.
        statistic: see `fairkd.fairness.names.STATISTICS`.
        disparity: see `fairkd.fairness.names.DISPARITIES`.
        threshold: the bound, at least 0; at most 1 for statistics from 0 to 1.
        reference: the cell that average differences compare with; ``None`` is the block's first.

    Raises:
        ConfigError: an unknown name, or a value out of its range.
    """

    threshold: Tensor

    def __init__(
        self,
        blocks: Blocks,
        by: str | None = None,
        statistic: str = "selection_rate",
        disparity: str = "largest_difference",
        threshold: float = 0.0,
        reference: str | None = None,
    ) -> None:
        super().__init__(blocks, by)
        self.statistic = find_statistic(statistic)
        self.disparity = find_disparity(disparity)
        self.reference = _place(reference, self.block)
        most = 1.0 if self.statistic.bounded else None
        self.knob("threshold", threshold, least=0.0, **({} if most is None else {"most": most}))

    def measured(self, decisions: Tensor, batch: Batch) -> Tensor:
        """The worst disparity of hard decisions, shape ``[]``: what the threshold is a bound on.

        Args:
            decisions: one-hot, shape ``[B, C]``.
            batch: the rows.
        """
        return self.gaps(self.rates(decisions, batch)).amax()

    def rates(self, predictions: Tensor, batch: Batch) -> Rates:
        """The statistic of soft or hard predictions, shape ``[B, C]``, by group."""
        return self.statistic.rates(predictions, batch.y, self.block.of(batch.group))

    def gaps(self, rates: Rates) -> Tensor:
        """The disparity of each condition and class, shape ``[S, K]``."""
        return self.disparity(rates, self.reference)


def soft(student: ModelOutputs) -> Tensor:
    """The student's probabilities, shape ``[B, C]``."""
    return probabilities(student.logits)


def hard(student: ModelOutputs) -> Tensor:
    """The student's decisions, one-hot, shape ``[B, C]``, of the logits' type; without gradient."""
    n_classes = student.logits.shape[-1]
    return F.one_hot(student.logits.detach().argmax(-1), n_classes).to(student.logits.dtype)


def _place(reference: str | None, block: Block) -> int:
    if reference is None:
        return 0
    if reference not in block.cells:
        raise ConfigError(
            unknown_name(f"cell of {block.name} in reference", reference, block.cells)
        )
    return block.cells.index(reference)
