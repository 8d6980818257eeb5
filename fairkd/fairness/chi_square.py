r"""The chi-square divergence of a joint distribution from independence, by kernel densities.

.. math:: \chi^2 = \sum_{uv} \frac{P(u, v)^2}{P(u) P(v)} - 1 \ge \mathrm{HGR}^2

bounds the square of the Hirschfeld-Gebelein-Renyi maximal correlation from above, with equality
where one of the two has two values. (Mary, Calauzenes and El Karoui, "Fairness-aware learning for
continuous attributes and treatments", ICML 2019.)
"""

import torch
from torch import Tensor

from fairkd import checks
from fairkd.data.blocks import Blocks
from fairkd.fairness.dependence import Dependence
from fairkd.fairness.masses import comparable, joint

BINS = 50
_ROOM = 3.0  # bandwidths that the grid reaches beyond the outermost values


def chi_square(u: Tensor, v: Tensor, bandwidth: float | None = None, bins: int = BINS) -> Tensor:
    r"""The divergence between two continuous quantities, each seen once for every row.

    Args:
        u: a score, shape ``[B]``.
        v: an attribute, shape ``[B]``.
        bandwidth: of the Gaussian kernels, in standard deviations of the values; ``None`` is
            Silverman's for two dimensions, :math:`n^{-1/6}`.
        bins: points of the grid along each axis.

    Returns:
        Shape ``[]``; about 0 where one of the two is constant.
    """
    weights = torch.full_like(u, 1 / len(u))
    width = u.new_tensor(len(u) ** (-1 / 6) if bandwidth is None else bandwidth)
    of_u = _shares(u.unsqueeze(1), weights, width, bins).squeeze(1)
    of_v = _shares(v.unsqueeze(1), weights, width, bins).squeeze(1)
    return _divergence(of_u.mT @ of_v / len(u))


def chi_square_of_groups(
    scores: Tensor, memberships: Tensor, bandwidth: Tensor | None = None, bins: int = BINS
) -> Tensor:
    r"""The divergence between a score and the group, mean over scores.

    At most the number of groups minus 1.

    Args:
        scores: shape ``[B, K]``.
        memberships: shape ``[B, G]``, each in [0, 1]; rows of zeros take no part.
        bandwidth: of the Gaussian kernel in standard deviations of the scores, shape ``[]``;
            ``None`` is Silverman's for one dimension, :math:`(3 n / 4)^{-1/5}`.
        bins: points of the grid.

    Returns:
        Shape ``[]``; 0 without gradient where fewer than two groups are present.
    """
    shares = joint(memberships)
    if bandwidth is None:
        bandwidth = (0.75 * memberships.sum().clamp(min=1)) ** -0.2
    places = _shares(scores, shares.sum(1), bandwidth, bins)
    table = (places.unsqueeze(-1) * shares[:, None, None, :]).sum(0)  # [K, bins, G]
    return torch.where(comparable(memberships), _divergence(table).mean(), 0.0)


def _shares(values: Tensor, weights: Tensor, width: Tensor, bins: int) -> Tensor:
    """How each row's kernel is spread over a grid, shape ``[B, K, bins]``; sums to 1 over it.

    Args:
        values: shape ``[B, K]``; standardised here.
        weights: of rows, shape ``[B]``, summing to 1.
        width: of the kernel, shape ``[]``.
        bins: points of the grid.
    """
    column = weights.unsqueeze(1)
    centred = values - (column * values).sum(0)
    variance = (column * centred.square()).sum(0)
    varied = variance > 0
    scaled = centred / torch.where(varied, torch.where(varied, variance, 1.0).sqrt(), 1.0)
    scaled = torch.where(column > 0, scaled, 0.0)  # whose mean is 0: no end of the grid is theirs
    low, high = _ends(scaled.detach(), width)
    steps = torch.linspace(0, 1, bins, dtype=values.dtype, device=values.device)
    grid = low.unsqueeze(1) + (high - low).unsqueeze(1) * steps
    return (-0.5 * ((scaled.unsqueeze(2) - grid) / width).square()).softmax(-1)


def _ends(scaled: Tensor, width: Tensor) -> tuple[Tensor, Tensor]:
    """The grid's first and last point for each column, shape ``[K]`` each."""
    return scaled.amin(0) - _ROOM * width, scaled.amax(0) + _ROOM * width


def _divergence(table: Tensor) -> Tensor:
    """Of tables that sum to 1, shape ``[..., U, V]``, from their margins' products."""
    margins = table.sum(-1, keepdim=True) * table.sum(-2, keepdim=True)
    some = margins > 0
    ratio = torch.where(some, table.square() / torch.where(some, margins, 1.0), 0.0)
    return ratio.sum((-1, -2)) - 1


class ChiSquare(Dependence):
    """`chi_square_of_groups`, of the probability of each class and a block's cells.

    Args:
        blocks: see `Dependence`, as for the next two.
        by: the block.
        weight: the term's factor.
        bandwidth: of the kernel, in standard deviations of the scores, above 0; ``None`` is
            Silverman's.
        bins: points of the grid, at least 2.

    Raises:
        ConfigError: a value out of its range.
    """

    bandwidth: Tensor | None

    def __init__(
        self,
        blocks: Blocks,
        by: str | None = None,
        weight: float = 1.0,
        bandwidth: float | None = None,
        bins: int = BINS,
    ) -> None:
        super().__init__(blocks, by, weight)
        self.bins = checks.whole("bins", bins, least=2)
        if bandwidth is None:
            self.register_buffer("bandwidth", None)
        else:
            self.knob("bandwidth", bandwidth, above=0.0)

    def measure(self, scores: Tensor, memberships: Tensor) -> Tensor:
        """The divergence, shape ``[]``."""
        return chi_square_of_groups(scores, memberships, self.bandwidth, self.bins)
