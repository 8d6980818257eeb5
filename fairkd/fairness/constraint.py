"""What every way to enforce a bound has in common: the bound itself."""

import torch.nn.functional as F
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Block, Blocks
from fairkd.errors import ConfigError, unknown_name
from fairkd.fairness.disparities import find_disparity
from fairkd.fairness.names import not_smooth
from fairkd.fairness.smooth import find_smooth
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

    A smooth disparity is what the student descends on. The bound, and whatever judges or follows
    it (`measured`, multipliers), is about the exact one that it stands for.

    Args:
        blocks: the data's group blocks.
        by: the block whose cells are compared; ``None`` is the data's first.
        statistic: see `fairkd.fairness.names.STATISTICS`.
        disparity: see `fairkd.fairness.names.DISPARITIES` and ``SMOOTH``.
        threshold: the bound, at least 0; at most 1 for statistics from 0 to 1.
        reference: the cell that average differences compare with; ``None`` is the block's first.
        sharpness: how near a smooth disparity comes to the exact one; ``None`` is its own default.

    Raises:
        ConfigError: an unknown name, or a value out of its range.
    """

    threshold: Tensor
    sharpness: Tensor

    def __init__(
        self,
        blocks: Blocks,
        by: str | None = None,
        statistic: str = "selection_rate",
        disparity: str = "largest_difference",
        threshold: float = 0.0,
        reference: str | None = None,
        sharpness: float | None = None,
    ) -> None:
        super().__init__(blocks, by)
        self.corrected = blocks.corrected
        self.statistic = find_statistic(statistic)
        self.disparity = find_disparity(disparity)
        self.smooth = find_smooth(disparity)
        if self.smooth is not None:
            given = self.smooth.sharpness if sharpness is None else sharpness
            self.knob("sharpness", given, least=self.smooth.least)
        elif sharpness is not None:
            raise ConfigError(not_smooth("sharpness", sharpness, "disparity", disparity))
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
        return Rates.of(*self.sums(predictions, batch))

    def sums(self, predictions: Tensor, batch: Batch) -> Tensor:
        """The sums that the statistic is made of, see `Statistic.sums`."""
        memberships = self.block.of(batch.group)
        return self.statistic.sums(predictions, batch.y, memberships, corrected=self.corrected)

    def gaps(self, rates: Rates) -> Tensor:
        """The disparity of each condition and class, shape ``[S, K]``: what the bound is about."""
        return self.disparity(rates, self.reference)

    def descended(self, rates: Rates) -> Tensor:
        """The disparity that the student descends on, shape ``[S, K]``: smooth where chosen so."""
        return self.gaps(rates) if self.smooth is None else self.smooth.of(rates, self.sharpness)


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
