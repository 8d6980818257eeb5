r"""Cells that are recorded wrongly, uniformly, and what to count instead if the rate is known.

With probability r the record says another one of K cells, each alike:

.. math:: T = (1 - r) I + \frac{r}{K - 1} (\mathbf{1} \mathbf{1}^\top - I), \qquad
          \Pr(\text{recorded} = h \mid \text{true} = g) = T_{gh}

A recorded one-hot row m has the expectation :math:`e_g T`, so :math:`m T^{-1}` has :math:`e_g`:
sums over rows of a corrected membership times anything that does not depend on the error are
unbiased for the true cells' sums, and so is a loss that is linear in the label (backward
correction). Entries may be negative. (Natarajan, Dhillon, Ravikumar and Tewari, "Learning with
noisy labels", NeurIPS 2013; Patrini et al., "Making deep neural networks robust to label noise",
CVPR 2017; of groups: Lamy, Zhong, Menon and Verma, "Noise-tolerant fair classification", NeurIPS
2019.)
"""

import numpy as np
import numpy.typing as npt

from fairkd.errors import ConfigError


def chosen(rows: npt.NDArray[np.int64], share: float) -> npt.NDArray[np.int64]:
    """The first rows of an order, so many as make up the share."""
    return rows[: round(share * len(rows))]


def flipped(
    cells: npt.NDArray[np.int64], n_cells: int, share: float, random: np.random.Generator
) -> npt.NDArray[np.int64]:
    """The cells, a share of the known ones replaced by another one, each alike.

    Args:
        cells: shape ``[N]``; -1 where unknown, which stays so.
        n_cells: K, at least 2.
        share: of the known cells.
        random: draws equally often whatever the share.
    """
    order = random.permutation(len(cells))
    further = random.integers(1, n_cells, size=len(cells))
    wrong = chosen(order[cells[order] >= 0], share)
    found = cells.copy()
    found[wrong] = (cells[wrong] + further[wrong]) % n_cells
    return found


def corrected(
    recorded: npt.NDArray[np.float32], rate: float, key: str, what: str
) -> npt.NDArray[np.float32]:
    r"""One-hot rows times the inverse of T: :math:`(m - b) / (1 - K b)`, :math:`b = r / (K - 1)`.

    Args:
        recorded: one-hot, shape ``[N, K]``.
        rate: r, below 1 - 1/K.
        key: the rate's key, for the sentence.
        what: what there are K of, for the sentence.

    Raises:
        ConfigError: at this rate the record says nothing, or the opposite.
    """
    n_cells = recorded.shape[1]
    if rate >= 1 - 1 / n_cells:
        raise ConfigError(
            f"{key}={rate:g} leaves nothing to correct: of {n_cells} {what} a record says "
            f"something at a rate below {1 - 1 / n_cells:.4g}; give a smaller one."
        )
    elsewhere = rate / (n_cells - 1)
    found: npt.NDArray[np.float32] = (recorded - np.float32(elsewhere)) / np.float32(
        1 - n_cells * elsewhere
    )
    return found
