r"""Losses of the rows that are learned worst, whoever they are: no group is asked for.

Both are the largest mean loss over distributions near that of the batch,
:math:`\max_{q \in U} \sum_i q_i \ell_i`, for a set U that holds every group of at least some share
of the rows.
"""

import math

import torch
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.fairness.mitigation import LabelLoss

_BITS = 4  # by which each cut finds the dual's least value more exactly


def worst_share(losses: Tensor, weight: Tensor, share: Tensor | float) -> Tensor:
    r"""The distribution over rows that is worst among those which hold no row too often.

    .. math:: \max_q \sum_i q_i \ell_i, \quad q_i \le p_i / \alpha

    It is the mean of the worst share alpha, of the row on its border as much as is missing: the
    conditional value at risk. (Rockafellar and Uryasev, "Optimization of conditional
    value-at-risk", Journal of Risk 2000.)

    Args:
        losses: shape ``[B]``.
        weight: the rows' weights, p times their sum, shape ``[B]``.
        share: alpha, above 0, at most 1.

    Returns:
        q, shape ``[B]``, without gradient.
    """
    losses, p = losses.detach(), (weight / weight.sum()).detach()
    order = losses.argsort(descending=True, stable=True)
    sorted_p = p.gather(0, order)
    before = sorted_p.cumsum(0) - sorted_p
    taken = (share - before).clamp(min=0.0).minimum(sorted_p)
    return torch.zeros_like(p).scatter(0, order, taken / taken.sum())


def worst_near(losses: Tensor, weight: Tensor, radius: Tensor | float) -> Tensor:
    r"""The distribution over rows that is worst in a ball around their own.

    .. math:: \max_q \sum_i q_i \ell_i, \quad
              \tfrac12 \sum_i p_i \left(\frac{q_i}{p_i} - 1\right)^2 \le \rho

    It is :math:`q_i \propto p_i [\ell_i - \eta]_+` for the eta at which the dual

    .. math:: \min_\eta \sqrt{1 + 2\rho}\, \sqrt{\textstyle\sum_i p_i [\ell_i - \eta]_+^2} + \eta

    is least, found by cutting an interval around it a fixed number of times. (Duchi and Namkoong,
    "Learning models with uniform performance via distributionally robust optimization", Annals of
    Statistics 2021; Levy, Carmon, Duchi and Sidford, "Large-scale methods for distributionally
    robust optimization", NeurIPS 2020, for batches.)

    Args:
        losses: shape ``[B]``.
        weight: the rows' weights, p times their sum, shape ``[B]``.
        radius: rho, above 0.

    Returns:
        q, shape ``[B]``, without gradient.
    """
    losses, p = losses.detach(), (weight / weight.sum()).detach()
    mean = (p * losses).sum()
    spread = (p * (losses - mean).square()).sum().sqrt()
    counted = p > 0
    parts = 2**_BITS
    inner = torch.arange(1, parts, device=losses.device)
    top = torch.where(counted, losses, -math.inf).amax()
    # Where every row is above eta it is known: the interval begins there, or at the smallest loss.
    low = torch.where(counted, losses, math.inf).amin().minimum(mean - spread / _root(2 * radius))
    step = (top - low) / parts
    for _ in range(1 - math.floor(math.log2(torch.finfo(p.dtype).eps)) // _BITS):
        above = (losses - (low + step * inner)[:, None]).relu()
        first, second = (p * above).sum(1), (p * above.square()).sum(1)
        falls = (1 + 2 * radius) * first.square() > second  # the dual: its least value is above
        low = low + step * falls.sum()
        step = step / parts
    found = p * (losses - low).relu()
    total = found.sum()
    return torch.where(total > 0, found / torch.where(total > 0, total, 1.0), p)


class CVaR(LabelLoss):
    """The mean loss with the labels over the batch's worst share: `worst_share`.

    A group of at least this share of the rows does no worse than the value says. (Hashimoto,
    Srivastava, Namkoong and Liang, "Fairness without demographics in repeated loss minimization",
    ICML 2018, for the aim; Levy et al. 2020 for batches.)

    Args:
        share: alpha, above 0, at most 1, which is the mean of all rows.

    Raises:
        ConfigError: a value out of its range.
    """

    share: Tensor

    def __init__(self, share: float = 0.5) -> None:
        super().__init__()
        self.knob("share", share, above=0.0, most=1.0)

    def aggregated(self, losses: Tensor, batch: Batch, epoch: Tensor) -> Tensor:  # noqa: ARG002
        """The loss, shape ``[]``, in training and on validation."""
        return (worst_share(losses, batch.weight, self.share) * losses).sum()


class ChiSquare(LabelLoss):
    r"""The largest mean loss with the labels in a ball around the batch: `worst_near`.

    The ball of radius :math:`(1/\alpha - 1) / 2` holds every group of at least the share alpha.
    (Hashimoto et al. 2018, who bound it by :math:`(1/\alpha - 1)^2`; Duchi and Namkoong 2021.)

    Args:
        radius: rho, above 0.

    Raises:
        ConfigError: a value out of its range.
    """

    radius: Tensor

    def __init__(self, radius: float = 1.0) -> None:
        super().__init__()
        self.knob("radius", radius, above=0.0)

    def aggregated(self, losses: Tensor, batch: Batch, epoch: Tensor) -> Tensor:  # noqa: ARG002
        """The loss, shape ``[]``, in training and on validation."""
        return (worst_near(losses, batch.weight, self.radius) * losses).sum()


def _root(value: Tensor | float) -> Tensor | float:
    return value.sqrt() if isinstance(value, Tensor) else math.sqrt(value)
