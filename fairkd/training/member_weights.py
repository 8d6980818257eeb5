"""How much each member of an ensemble counts, learned from rows."""

import logging
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

log = logging.getLogger(__name__)

_TOLERANCE = 1e-12
_MAX_ITERATIONS = 1000


def learned_weights(logits: Tensor, y: Tensor, weight: Tensor, combine: str) -> Tensor:
    r"""The weights on the simplex of which the combined prediction has the least cross-entropy.

    .. math:: \min_{w \ge 0, \; \sum_m w_m = 1} - \sum_i v_i \log q_{i y_i}(w)

    with :math:`q = \sum_m w_m p_m` for ``mean_probabilities`` (linear stacking; Breiman, "Stacked
    regressions", Machine Learning 24, 1996) and :math:`q = \mathrm{softmax}(\sum_m w_m z_m)` for
    ``mean_logits``. Both are convex, the first as the negative logarithm of a linear function, the
    second as a log-sum-exp of linear functions less one of them: what is found is the least there
    is, from equal weights and with nothing drawn at random. Where several weights are equally good,
    as between equal members, it is one of them.

    Args:
        logits: of each member, shape ``[M, N, C]``.
        y: class indices, shape ``[N]``, or soft labels, shape ``[N, C]``.
        weight: the rows' weights v, shape ``[N]``.
        combine: ``mean_logits`` or ``mean_probabilities``.

    Returns:
        At least 0 and of sum 1, shape ``[M]``, float64.
    """
    from scipy.optimize import Bounds, LinearConstraint, minimize

    count = len(logits)
    given = logits.double()
    if combine == "mean_probabilities":
        given = given.softmax(-1)
    targets = (F.one_hot(y, logits.shape[-1]) if y.dim() == 1 else y).double()
    targets = targets * (weight.double() / weight.double().sum())[:, None]
    least = torch.finfo(given.dtype).tiny

    def loss(at: "np.ndarray[Any, Any]") -> "tuple[float, np.ndarray[Any, Any]]":
        w = torch.from_numpy(at).clone().requires_grad_()
        combined = torch.einsum("m,mnc->nc", w, given)
        if combine == "mean_probabilities":
            logs = combined.clamp_min(least).log()
        else:
            logs = combined.log_softmax(-1)
        value = -(targets * logs).sum()
        (gradient,) = torch.autograd.grad(value, w)
        return float(value.detach()), gradient.numpy()

    found = minimize(
        loss,
        np.full(count, 1 / count),
        jac=True,
        method="SLSQP",
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(np.ones(count), 1, 1),
        options={"ftol": _TOLERANCE, "maxiter": _MAX_ITERATIONS},
    )
    if not found.success:
        log.warning("The members' weights may not be the best: %s.", str(found.message).rstrip("."))
    weights = torch.from_numpy(found.x).clamp(min=0.0)
    return weights / weights.sum()
