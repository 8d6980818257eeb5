"""How far one group's scores would have to move to lie as another's do."""

import torch
from torch import Tensor

from fairkd.fairness.dependence import Dependence
from fairkd.fairness.masses import below, comparable, known, pairs


def wasserstein(scores: Tensor, memberships: Tensor) -> Tensor:
    r"""The 1-Wasserstein distance of two groups' scores, mean over all pairs of groups and classes.

    .. math:: W(g, h) = \int_0^1 |F_g^{-1}(u) - F_h^{-1}(u)| \, du
              = \int |F_g(s) - F_h(s)| \, ds
              = \sum_i |F_g(s_{(i)}) - F_h(s_{(i)})| \, (s_{(i+1)} - s_{(i)})

    over the sorted scores. The last form is exact for groups of any sizes and soft memberships,
    where a grid of quantiles is not; its gradient passes through the sort to the scores. In one
    dimension it is also the integral over thresholds of the gap in selection rates (``abcc`` of the
    record). (Jiang, Pacchiano, Stepleton, Jiang and Chiappa, "Wasserstein fair classification", UAI
    2020.)

    Args:
        scores: shape ``[B, K]``, each column by itself.
        memberships: shape ``[B, G]``, each in [0, 1]; rows of zeros take no part.

    Returns:
        Shape ``[]``; 0 without gradient where fewer than two groups are present.
    """
    part = known(memberships).unsqueeze(1)
    scores = torch.where(part, scores, scores.detach())
    order = scores.detach().argsort(stable=True, dim=0)
    ordered = scores.gather(0, order)
    apart, share = pairs(memberships)
    between = below(apart[order])[:-1]  # [B - 1, K, N], between one score and the next
    distances = (between.abs() * (ordered[1:] - ordered[:-1]).unsqueeze(-1)).sum(0)
    value = (distances.mean(0) * share).sum()
    return torch.where(comparable(memberships), value, 0.0)


class Wasserstein(Dependence):
    """`wasserstein` between the cells of a block, of the probability of each class.

    The arguments are those of `Dependence`.
    """

    def measure(self, scores: Tensor, memberships: Tensor) -> Tensor:
        """The distance, shape ``[]``."""
        return wasserstein(scores, memberships)
