"""What a constraint promises of hard decisions: a disparity within a threshold."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Block
from fairkd.errors import ConfigError
from fairkd.evaluation.bounds import disparity_bound
from fairkd.evaluation.truth import ONE_HOT_SLACK
from fairkd.fairness.disparities import REFERENCED, find_disparity
from fairkd.fairness.names import COUNTED
from fairkd.fairness.statistics import Rates, find_statistic


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
        told = in_words(self.statistic, self.disparity, self.block.name)
        if self.disparity not in REFERENCED:
            return told
        return f"{told} (to {self.block.cells[self.reference]})"

    def value(self, decisions: Tensor, batch: Batch) -> float:
        """The worst disparity over conditions and classes; NaN where it is undefined.

        That is where fewer than two groups count, or where those that count have nothing to
        compare with.

        Args:
            decisions: one-hot, shape ``[N, C]``.
            batch: the rows.
        """
        return float(self._worst(self._rates(decisions, batch)))

    def of_counts(self, counts: Tensor) -> Tensor:
        """`value` of many tables of counts; NaN where it is undefined.

        Args:
            counts: rows by group, true and predicted class, shape ``[..., G, C, C]``.

        Returns:
            Shape ``[...]``.
        """
        n_classes = counts.shape[-1]
        y = torch.arange(n_classes).repeat_interleave(n_classes)
        decisions = F.one_hot(torch.arange(n_classes).repeat(n_classes), n_classes).double()
        found = find_statistic(self.statistic)

        def worst(table: Tensor) -> Tensor:
            # All sums are linear in memberships: a cell's rows are one row of that weight.
            return self._worst(found.rates(decisions, y, table.flatten(1).T))

        flat: Tensor = torch.vmap(worst)(counts.flatten(0, -4))
        return flat.reshape(counts.shape[:-3])

    def upper(self, decisions: Tensor, batch: Batch, confidence: float) -> float:
        """The disparity's upper confidence bound (see `disparity_bound`).

        Raises:
            ConfigError: the statistic is no share of rows, so counts bound nothing.
        """
        rates = self._rates(decisions, batch)
        return self._upper(rates.numerator, rates.denominator, confidence)

    def smallest(
        self, batch: Batch, n_classes: int, confidence: float, rows: int | None = None
    ) -> float:
        """About the smallest threshold that these rows can certify.

        It is the bound that they give to a model without any disparity, whose groups all have the
        rates of a coarse classifier: half of its decisions are the label, the others any class, as
        often as it occurs. For the worst group, one without errors.

        Args:
            batch: the rows.
            n_classes: C.
            confidence: of the bound.
            rows: so many rows with the same shares of groups and labels; ``None`` for as many as
                there are.

        Raises:
            ConfigError: as `upper`.
        """
        y = F.one_hot(batch.y, n_classes).double() if batch.y.dim() == 1 else batch.y.double()
        coarse = y / 2 + y.mean(0) / 2
        rates = self._rates(coarse, batch)
        total = rates.denominator * ((rows or batch.size) / batch.size)
        alike = rates.overall.unsqueeze(-1) if self.disparity != "worst_group" else 1.0
        return self._upper(alike * total, total, confidence)

    def _worst(self, rates: Rates) -> Tensor:
        """The largest of the conditions' and classes' disparities that are defined, or NaN."""
        fewest = 1 if self.disparity == "worst_group" else 2
        known = rates.defined.sum(-1) >= fewest
        if self.disparity in REFERENCED:
            known &= rates.defined[..., self.reference]
        if self.disparity == "average_relative_difference":
            known &= rates.value[..., self.reference] > 0
        found = find_disparity(self.disparity)(rates, self.reference)
        largest = torch.where(known, found, -math.inf).amax()
        return torch.where(known.any(), largest, math.nan)

    def _rates(self, decisions: Tensor, batch: Batch) -> Rates:
        memberships = self.block.of(batch.group).double()
        known = memberships.amax(-1, keepdim=True) >= 1 - ONE_HOT_SLACK
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


def in_words(statistic: str, disparity: str, block: str) -> str:
    """A disparity as people say it: ``largest difference of selection rate by sex``."""
    return f"{disparity} of {statistic}".replace("_", " ") + f" by {block}"


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
