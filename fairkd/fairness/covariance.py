"""Covariance of scores and groups: the linear part of their dependence."""

import torch
from torch import Tensor

from fairkd import checks
from fairkd.data.blocks import Blocks
from fairkd.fairness.dependence import Dependence, against_the_rest
from fairkd.fairness.masses import comparable, dependent
from fairkd.fairness.names import SCORES
from fairkd.models.features import ModelOutputs


def covariance(scores: Tensor, memberships: Tensor) -> Tensor:
    r"""Magnitude of the covariance of a score and a group's indicator, mean over groups, scores.

    .. math:: \left| \frac{1}{n} \sum_i (m_{ig} - \bar m_g) \, s_i \right|

    For two groups with shares :math:`\pi_0, \pi_1` it is :math:`\pi_0 \pi_1` times the difference
    of their mean scores. (Zafar, Valera, Gomez Rodriguez and Gummadi, "Fairness constraints:
    mechanisms for fair classification", AISTATS 2017, whose score is the signed distance to the
    decision boundary.)

    Args:
        scores: shape ``[B, K]``.
        memberships: shape ``[B, G]``, each in [0, 1]; rows of zeros take no part.

    Returns:
        Shape ``[]``; 0 without gradient where fewer than two groups are present.
    """
    found = (dependent(memberships).unsqueeze(1) * scores.unsqueeze(2)).sum(0).abs()
    present = (memberships.sum(0) > 0).to(found.dtype)
    value = (found.mean(0) * present).sum() / present.sum().clamp(min=1)
    return torch.where(comparable(memberships), value, 0.0)


class Covariance(Dependence):
    """`covariance` of each class's score and the cells of a block.

    Args:
        blocks: see `Dependence`, as for the next two.
        by: the block.
        weight: the term's factor.
        of: ``probability``; or ``margin``, a class's log odds against the others, which in a linear
            model is in proportion to the paper's distance to the decision boundary.

    Raises:
        ConfigError: an unknown name, or a value out of its range.
    """

    def __init__(
        self,
        blocks: Blocks,
        by: str | None = None,
        weight: float = 1.0,
        of: str = "probability",
    ) -> None:
        super().__init__(blocks, by, weight)
        checks.choice("of", of, SCORES)
        self.of = of

    def scores(self, student: ModelOutputs) -> Tensor:
        """What is compared, shape ``[B, K]``."""
        if self.of == "margin":
            return against_the_rest(_log_odds(student.logits))
        return super().scores(student)

    def measure(self, scores: Tensor, memberships: Tensor) -> Tensor:
        """The covariance, shape ``[]``."""
        return covariance(scores, memberships)


def _log_odds(logits: Tensor) -> Tensor:
    """Of each class against all others, shape ``[B, C]``."""
    itself = torch.eye(logits.shape[-1], dtype=torch.bool, device=logits.device)
    others = logits.unsqueeze(-2).masked_fill(itself, -torch.inf)
    return logits - others.logsumexp(-1)
