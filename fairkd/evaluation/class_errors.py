"""How unevenly compression changed the errors of the classes."""

from typing import NamedTuple

import torch
from torch import Tensor

from fairkd.evaluation.rates import false_negative_rate, false_positive_rate


class ClassErrorChange(NamedTuple):
    """CEV and SDE, shape ``[...]`` each."""

    combined_error_variance: Tensor
    symmetric_distance_error: Tensor


def class_error_change(changed: Tensor, reference: Tensor) -> ClassErrorChange:
    """Combined error variance and symmetric distance error.

    With d_i the changes, in percent of the reference, of class i's false positive and false
    negative rates (class i against the rest):

    - CEV = mean over classes of ``||d_i - mean d||^2``;
    - SDE = mean over classes of ``|dFNR_i - dFPR_i| / sqrt(2)``.

    (Blakeney et al., "Simon says: evaluating and mitigating bias in pruned neural networks with
    knowledge distillation", 2021.) The authors' notebook averages the squared distance over the two
    coordinates, which gives half of this CEV. With two classes one determines the other: the false
    positives of either class are the false negatives of the other, so CEV = SDE^2.

    Args:
        changed: counts by true and predicted class of the changed model, shape ``[..., C, C]``.
        reference: the same of the model it is compared with.

    Returns:
        NaN where any class's rate is undefined, or zero in the reference.
    """
    moves = torch.stack(
        [
            _relative_change(rate(changed.unsqueeze(-3)), rate(reference.unsqueeze(-3)))
            for rate in (false_positive_rate, false_negative_rate)
        ],
        dim=-1,
    ).squeeze(-3)
    spread = (moves - moves.mean(-2, keepdim=True)).square().sum(-1).mean(-1)
    skew = (moves[..., 1] - moves[..., 0]).abs().mean(-1) / 2**0.5
    return ClassErrorChange(spread, skew)


def _relative_change(changed: Tensor, reference: Tensor) -> Tensor:
    return torch.where(reference > 0, 100 * (changed - reference) / reference, torch.nan)
