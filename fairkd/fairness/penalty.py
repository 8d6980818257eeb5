"""A bound on a disparity, enforced by a penalty on what exceeds it."""

from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.fairness.constraint import Constraint, soft
from fairkd.models.features import ModelOutputs


class Penalty(Constraint):
    r"""How far a disparity of soft predictions exceeds its threshold, in this batch.

    .. math:: \sum_s \max_k [\, d_{sk} - \varepsilon \,]_+

    Inside the bound it is 0 and has no gradient: a feasible constraint is not punished.

    Soft predictions close their gap before hard decisions do, or after: choose the weight by the
    hard gap on validation.

    Args:
        blocks: see `Constraint`, as for the others.
        by: the block whose cells are compared.
        statistic: which rate.
        disparity: which number from the groups' values.
        threshold: the bound.
        weight: the term's factor in the objective, at least 0.
        reference: the cell that average differences compare with.
        sharpness: of a smooth disparity.

    Raises:
        ConfigError: an unknown name, or a value out of its range.
    """

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
        sharpness: float | None = None,
    ) -> None:
        super().__init__(blocks, by, statistic, disparity, threshold, reference, sharpness)
        self.knob("weight", weight, least=0.0)

    @property
    def factor(self) -> Tensor:
        """The weight."""
        return self.weight

    def forward(
        self,
        student: ModelOutputs,
        batch: Batch,
        epoch: Tensor | None = None,  # noqa: ARG002
    ) -> Tensor:
        """The violation, shape ``[]``; the epoch has no say."""
        excess = self.descended(self.rates(soft(student), batch)) - self.threshold
        return excess.relu().amax(-1).sum()
