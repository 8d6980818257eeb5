"""Fit a linear last layer anew, every cell of label and group counting alike."""

import logging
import warnings

import torch
import torch.nn.functional as F
from torch import Tensor

log = logging.getLogger(__name__)

_MAX_ITERATIONS = 2000
_TOLERANCE = 1e-7


def cell_weights(y: Tensor, group: Tensor, weight: Tensor, n_classes: int) -> Tensor:
    r"""Row weights under which every cell of label and group weighs the same in total.

    .. math:: w_{ic} = k \sum_g \frac{v_i y_{ic} m_{ig}}{\sum_j v_j y_{jc} m_{jg}}

    over the cells that have rows, with v the rows' own weights and k such that the weights of n
    rows sum to n. A row of unknown group weighs nothing.

    Args:
        y: class indices, shape ``[N]``, or soft labels, shape ``[N, C]``.
        group: memberships in one block, shape ``[N, G]``.
        weight: the rows' own weights, shape ``[N]``.
        n_classes: C.

    Returns:
        A row's weight as one of each class, float64, shape ``[N, C]``; all 0 where no row has a
        known group.
    """
    labels = (F.one_hot(y, n_classes) if y.dim() == 1 else y).double()
    mass = labels * weight.double()[:, None]
    members = group.double()
    totals = mass.T @ members
    shares = torch.where(totals > 0, 1 / totals, 0.0)
    weights = mass * (members @ shares.T)
    rows = (weights.sum(1) > 0).sum()
    return weights * (rows / weights.sum()) if rows else weights


def fit_last_layer(
    features: Tensor, weights: Tensor, *, strength: float = 1.0, bias: bool = True
) -> tuple[Tensor, Tensor]:
    r"""Multinomial logistic regression with an L2 penalty, by scikit-learn's L-BFGS.

    .. math:: \min_{V, b} \; \tfrac12 \lVert V \rVert^2
              - C \sum_{ic} w_{ic} \log \mathrm{softmax}_c (V \tilde f_i + b)

    on features that are standardised under the weights, :math:`\tilde f`, and given back for the
    features as they are. With two classes the penalty is scikit-learn's, on the difference of their
    rows of V, and each class gets half of it. It starts from zero and draws nothing at random: the
    same input gives the same bits. (Kirichenko, Izmailov and Wilson, "Last layer re-training is
    sufficient for robustness to spurious correlations", ICLR 2023, who draw balanced subsets and
    penalise absolute values; weights use every row.)

    Args:
        features: the layer's inputs, shape ``[N, D]``.
        weights: how much row i counts as one of class c, shape ``[N, C]``; every class needs some.
        strength: C, the inverse strength of the penalty.
        bias: whether the layer has one; without it features are scaled and not centred.

    Returns:
        The layer's weight, shape ``[C, D]``, and bias, shape ``[C]``, float64.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    rows, labels = weights.nonzero(as_tuple=True)
    given = features.double()[rows]
    counts = weights[rows, labels]
    share = (counts / counts.sum())[:, None]
    mean = (share * given).sum(0) if bias else torch.zeros_like(given[0])
    scale = (share * (given - mean).square()).sum(0).sqrt()
    scale = torch.where(scale > 0, scale, 1.0)
    model = LogisticRegression(
        C=strength, fit_intercept=bias, tol=_TOLERANCE, max_iter=_MAX_ITERATIONS
    )
    # The order of additions depends on the number of threads.
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(((given - mean) / scale).numpy(), labels.numpy(), sample_weight=counts.numpy())
    if int(model.n_iter_.max()) >= _MAX_ITERATIONS:
        log.warning(
            "The last layer's regression did not settle in %d iterations; a smaller C settles "
            "sooner.",
            _MAX_ITERATIONS,
        )
    weight = torch.from_numpy(model.coef_) / scale
    constant = torch.from_numpy(model.intercept_).expand(len(weight)) - weight @ mean
    if len(weight) == 1:  # two classes: scikit-learn gives their difference
        halves = torch.tensor([[-0.5], [0.5]], dtype=weight.dtype)
        return halves * weight, halves[:, 0] * constant
    return weight, constant
