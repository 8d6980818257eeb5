"""What a constraint promises of hard decisions: a disparity within a threshold."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Block
from fairkd.errors import ConfigError
from fairkd.evaluation.bounds import disparity_bound
from fairkd.fairness.disparities import find_disparity
from fairkd.fairness.names import COUNTED
from fairkd.fairness.statistics import Rates, find_statistic

_CERTAIN = 1 - 1e-6


@dataclass(frozen=True)
class Bound:
    """A bound on a disparity, in plain words and numbers.

    Attributes:
        statistic: see `fairkd.fairness.names.STATISTICS`.
        disparity: see `fairkd.fairness.names.DISPARITIES`.
        block: whose cells are compared.
        threshold: the disparity is to be at most this.
        reference: the cell's index that average differences compare with.
    """

    statistic: str
    disparity: str
    block: Block
    threshold: float
    reference: int = 0

    @property
    def words(self) -> str:
        """What is bounded: ``largest difference of selection rate by sex``."""
        return f"{self.disparity} of {self.statistic}".replace("_", " ") + f" by {self.block.name}"

    def value(self, decisions: Tensor, batch: Batch) -> float:
        """The worst disparity over conditions and classes; NaN where fewer than two groups count.

        Args:
            decisions: one-hot, shape ``[N, C]``.
            batch: the rows.
        """
        rates = self._rates(decisions, batch)
        if not (rates.defined.sum(-1) >= 2).any():
            return float("nan")
        return float(find_disparity(self.disparity)(rates, self.reference).amax())

    def upper(self, decisions: Tensor, batch: Batch, confidence: float) -> float:
        """The disparity's upper confidence bound (see `disparity_bound`).

        Raises:
            ConfigError: the statistic is no share of rows, so counts bound nothing.
        """
        rates = self._rates(decisions, batch)
        return self._upper(rates.numerator, rates.denominator, confidence)

    def smallest(self, batch: Batch, n_classes: int, confidence: float) -> float:
        """About the smallest threshold that these rows can certify.

        It is the bound that they give to a model without any disparity, whose groups all have the
        rates of a coarse classifier: it selects each class as often as it occurs, and half of the
        class's rows rightly. For the worst group, one without errors.

        Args:
            batch: the rows.
            n_classes: C.
            confidence: of the bound.

        Raises:
            ConfigError: as `upper`.
        """
        y = F.one_hot(batch.y, n_classes).double() if batch.y.dim() == 1 else batch.y.double()
        share = y.mean(0)
        others = (1 - y) * share
        coarse = y / 2 + others / others.sum(-1, keepdim=True).clamp_min(1e-12) / 2
        rates = self._rates(coarse, batch)
        alike = rates.overall.unsqueeze(-1) if self.disparity != "worst_group" else 1.0
        return self._upper(alike * rates.denominator, rates.denominator, confidence)

    def _rates(self, decisions: Tensor, batch: Batch) -> Rates:
        memberships = self.block.of(batch.group).double()
        known = memberships.amax(-1, keepdim=True) >= _CERTAIN
        found = find_statistic(self.statistic)
        return found.rates(decisions.double(), batch.y, torch.where(known, memberships, 0.0))

    def _upper(self, hits: Tensor, rows: Tensor, confidence: float) -> float:
        if self.statistic not in COUNTED:
            raise ConfigError(
                f"constraint.confidence cannot be used with constraint.statistic={self.statistic}, "
                f"which is no share of rows; accepted: {', '.join(COUNTED)}."
            )
        return disparity_bound(
            hits.cpu().numpy(), rows.cpu().numpy(), self.disparity, confidence, self.reference
        )


def decisions(logits: Tensor, threshold: float) -> Tensor:
    """Hard decisions, one-hot, shape ``[N, C]``, float64.

    Args:
        logits: shape ``[N, C]``.
        threshold: of two classes, the second is decided where its probability is at least this;
            of more, the most likely one, whatever the threshold.
    """
    probabilities = logits.detach().double().softmax(-1)
    if probabilities.shape[-1] == 2:
        decided = (probabilities[:, 1] >= threshold).long()
    else:
        decided = probabilities.argmax(-1)
    return F.one_hot(decided, probabilities.shape[-1]).double()
