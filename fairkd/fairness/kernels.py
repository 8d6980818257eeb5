"""Dependence of predictions on groups, measured in a kernel's feature space: HSIC and MMD.

Both compare distributions by their mean embeddings, and both are here sums of

.. math:: \\lVert \\sum_i c_i \\varphi(s_i) \\rVert^2 = \\sum_{ij} c_i c_j k(s_i, s_j)

for signed measures c over rows. Work and memory grow with :math:`B^2`.
"""

import torch
from torch import Tensor

from fairkd.data.blocks import Blocks
from fairkd.fairness.dependence import Dependence
from fairkd.fairness.masses import comparable, dependent, known, pairs


def hsic(scores: Tensor, memberships: Tensor, bandwidth: Tensor | None = None) -> Tensor:
    r"""The Hilbert-Schmidt independence criterion of scores and groups.

    .. math:: \frac{1}{n^2} \mathrm{tr}(K H L H)
              = \sum_g \sum_{ij} c_{ig} c_{jg} k(s_i, s_j), \quad
              c_{ig} = P(i, g) - P(i) P(g)

    with a Gaussian kernel K on scores, the linear kernel on memberships (1 for rows of one group,
    0 for others), and H that centres both. It is the biased estimate: independent groups of n rows
    have some 1/n of it. (Gretton, Bousquet, Smola and Schoelkopf, "Measuring statistical dependence
    with Hilbert-Schmidt norms", ALT 2005; as a fairness regulariser Perez-Suay et al., "Fair kernel
    learning", 2017.)

    Args:
        scores: shape ``[B, K]``.
        memberships: shape ``[B, G]``, each in [0, 1]; rows of zeros take no part.
        bandwidth: the kernel's standard deviation, shape ``[]``; ``None``: `median_distance`.

    Returns:
        Shape ``[]``; 0 without gradient where fewer than two groups are present.
    """
    value = _energy(_gaussian(scores, memberships, bandwidth), dependent(memberships))
    return torch.where(comparable(memberships), value, 0.0)


def mmd(scores: Tensor, memberships: Tensor, bandwidth: Tensor | None = None) -> Tensor:
    r"""Squared maximum mean discrepancy between two groups' scores, mean over all pairs of groups.

    .. math:: \mathrm{MMD}^2(g, h) = \sum_{ij} c_i c_j k(s_i, s_j), \quad
              c_i = P(i \mid g) - P(i \mid h)

    with a Gaussian kernel; the biased estimate, at least 0 but for rounding. (Gretton et al., "A
    kernel two-sample test", JMLR 2012; as a fairness regulariser Louizos et al., "The variational
    fair autoencoder", ICLR 2016.)

    Args:
        scores: shape ``[B, K]``.
        memberships: shape ``[B, G]``, each in [0, 1]; rows of zeros take no part.
        bandwidth: the kernel's standard deviation, shape ``[]``; ``None``: `median_distance`.

    Returns:
        Shape ``[]``; 0 without gradient where fewer than two groups are present.
    """
    apart, share = pairs(memberships)
    value = _energy(_gaussian(scores, memberships, bandwidth), apart * share.sqrt())
    return torch.where(comparable(memberships), value, 0.0)


def median_distance(scores: Tensor, memberships: Tensor) -> Tensor:
    """The median distance between two of the rows that have a group, shape ``[]``, no gradient.

    Of an even number of distances the lower one of the middle; 1 where it would be 0, or of none.

    Args:
        scores: shape ``[B, K]``.
        memberships: shape ``[B, G]``.
    """
    return _median(_squared_distances(scores.detach()), known(memberships)).sqrt()


def _gaussian(scores: Tensor, memberships: Tensor, bandwidth: Tensor | None) -> Tensor:
    squared = _squared_distances(scores)
    if bandwidth is None:
        width = _median(squared.detach(), known(memberships))
    else:
        width = bandwidth.square()
    return (squared / (-2 * width)).exp()


def _squared_distances(scores: Tensor) -> Tensor:
    """Shape ``[B, B]``; not through a matrix product, which loses digits and rounds by its size."""
    return (scores.unsqueeze(1) - scores.unsqueeze(0)).square().sum(-1)


def _median(squared: Tensor, rows: Tensor) -> Tensor:
    one, other = torch.triu_indices(len(rows), len(rows), 1, device=rows.device)
    distances = torch.where(rows[one] & rows[other], squared[one, other], torch.nan)
    median = torch.cat([distances, distances.new_full((1,), torch.nan)]).nanmedian()
    return torch.where(median > 0, median, 1.0)


def _energy(kernel: Tensor, signed: Tensor) -> Tensor:
    """The sum over columns of ``signed``, shape ``[B, N]``, of their energies."""
    products = (signed.unsqueeze(1) * signed.unsqueeze(0)).sum(-1)
    return (kernel * products).sum()


class _KernelTerm(Dependence):
    """A term over all pairs of a batch's rows.

    Args:
        blocks: see `Dependence`, as for the next two.
        by: the block.
        weight: the term's factor.
        given: ``label`` measures within each label.
        bandwidth: the kernel's standard deviation, above 0; ``None`` is the batch's median
            distance.
        most_rows: more rows than this, as when a whole split is judged, are taken in parts.

    Raises:
        ConfigError: a value out of its range.
    """

    bandwidth: Tensor | None

    def __init__(
        self,
        blocks: Blocks,
        by: str | None = None,
        weight: float = 1.0,
        given: str | None = None,
        bandwidth: float | None = None,
        most_rows: int = 256,
    ) -> None:
        super().__init__(blocks, by, weight, given, most_rows)
        if bandwidth is None:
            self.register_buffer("bandwidth", None)
        else:
            self.knob("bandwidth", bandwidth, above=0.0)


class HSIC(_KernelTerm):
    """`hsic` of each class's probability and the block: demographic parity, or equalized odds.

    With more than two classes it is of the whole vector of probabilities. The arguments are those
    of `MMD`.
    """

    def measure(self, scores: Tensor, memberships: Tensor) -> Tensor:
        """The criterion, shape ``[]``."""
        return hsic(scores, memberships, self.bandwidth)


class MMD(_KernelTerm):
    """`mmd` of each class's probability between the block's cells.

    With more than two classes it is of the whole vector of probabilities.
    """

    def measure(self, scores: Tensor, memberships: Tensor) -> Tensor:
        """The discrepancy, shape ``[]``."""
        return mmd(scores, memberships, self.bandwidth)
