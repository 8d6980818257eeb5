"""Disparities: one number from the groups' values of a rate.

Values have shape ``[..., G]`` with NaN for a group whose rate is undefined. Such groups take no
part, and fewer than two defined groups leave the disparity undefined (NaN). Leading axes are
bootstrap draws or classes.

The average differences are the founding article's, against a reference group r:
mean over g != r of ``v_g - v_r`` (signed), the same over ``v_r``, and the mean over all unordered
pairs of ``|v_g - v_h|``. The two that need r are undefined where r is.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate

import torch
from torch import Tensor

REFERENCED_RATES = ("accuracy", "selection_rate", "true_positive_rate")
"""The rates whose average differences are recorded."""


def difference(values: Tensor) -> Tensor:
    """Largest minus smallest value, shape ``[...]``."""
    return torch.where(_comparable(values), _largest(values) - _smallest(values), torch.nan)


def ratio(values: Tensor) -> Tensor:
    """Smallest over largest value, shape ``[...]``; NaN also where the largest is 0."""
    return torch.where(_comparable(values), _smallest(values) / _largest(values), torch.nan)


def average_difference(values: Tensor, reference: int) -> Tensor:
    """Mean of the other groups' values minus the reference's, signed, shape ``[...]``."""
    gaps = values - values[..., reference : reference + 1]
    others = (~gaps.isnan()).sum(-1) - 1  # the reference itself adds a gap of 0
    return torch.where(others >= 1, gaps.nansum(-1) / others, torch.nan)


def average_relative_difference(values: Tensor, reference: int) -> Tensor:
    """`average_difference` over the reference's value; NaN also where that is 0."""
    return _relative(average_difference(values, reference), values[..., reference])


def average_absolute_difference(values: Tensor) -> Tensor:
    """Mean absolute gap over all unordered pairs of groups, shape ``[...]``."""
    n = (~values.isnan()).sum(-1, keepdim=True)
    ranks = torch.arange(values.shape[-1], device=values.device)
    # In ascending order the value of rank k is added k times and subtracted n - 1 - k times; NaN
    # sorts to the end.
    total = ((2 * ranks - n + 1) * values.sort(-1).values).nansum(-1, keepdim=True)
    mean = (total / (n * (n - 1) / 2)).squeeze(-1).clamp_min(0)
    return torch.where(_comparable(values), mean, torch.nan)


def disparities(rates: Mapping[str, Tensor], reference: int) -> dict[str, Tensor]:
    """Every disparity of the record that follows from rates alone.

    With several classes each is taken against the rest and the worst class counts: the largest
    difference, the smallest ratio, the average difference of largest magnitude (its sign kept).

    Args:
        rates: as `fairkd.evaluation.rates.recorded_rates` names them: accuracy ``[..., G]``, the
            others ``[..., G, K]``.
        reference: the index of the reference group.

    Returns:
        By name, shape ``[...]`` each. ``worst_group_accuracy`` is not a difference and needs only
        one defined group.
    """
    names = ("selection_rate", "true_positive_rate", "false_positive_rate", "accuracy")
    kept, places = _side_by_side([_per_class(name, rates[name]) for name in names])
    gaps, ratios = difference(kept), ratio(kept)
    gap, share = (
        {name: values[..., place] for name, place in zip(names, places, strict=True)}
        for values in (gaps, ratios)
    )
    true_gap, false_gap = gap["true_positive_rate"], gap["false_positive_rate"]
    odds_ratio = torch.minimum(share["true_positive_rate"], share["false_positive_rate"])
    found = {
        "demographic_parity_difference": _largest(gap["selection_rate"]),
        "demographic_parity_ratio": _smallest(share["selection_rate"]),
        "equal_opportunity_difference": _largest(true_gap),
        "false_positive_rate_difference": _largest(false_gap),
        "equalized_odds_difference": _largest(torch.maximum(true_gap, false_gap)),
        "equalized_odds_mean": _largest((true_gap + false_gap) / 2),
        "equalized_odds_sum": _largest(true_gap + false_gap),
        "equalized_odds_ratio": _smallest(odds_ratio),
        "accuracy_difference": gap["accuracy"].squeeze(-1),
        "worst_group_accuracy": _smallest(rates["accuracy"]),
    }
    average = average_difference(kept, reference)
    averages = {
        "average_difference": average,
        "average_relative_difference": _relative(average, kept[..., reference]),
        "average_absolute_difference": average_absolute_difference(kept),
    }
    for kind, values in averages.items():
        for name in REFERENCED_RATES:
            found[f"{kind}_{name}"] = _furthest_from_zero(values[..., places[names.index(name)]])
    return found


def _side_by_side(values: Sequence[Tensor]) -> tuple[Tensor, list[slice]]:
    """Rates ``[..., K, G]`` as one tensor, and where the classes of each are in it.

    In memory the leading axes (draws, models) are innermost, for they are long and G is short.
    """
    parts = [value.movedim((-2, -1), (0, 1)) for value in values]
    ends = list(accumulate(len(part) for part in parts))
    places = [slice(end - len(part), end) for part, end in zip(parts, ends, strict=True)]
    return torch.cat(parts).movedim((0, 1), (-2, -1)), places


def _per_class(name: str, values: Tensor) -> Tensor:
    """Groups last and classes before them, shape ``[..., K, G]``."""
    return values.unsqueeze(-2) if name == "accuracy" else values.transpose(-1, -2)


def _relative(difference: Tensor, base: Tensor) -> Tensor:
    return torch.where(base == 0, torch.nan, difference / base)


def _comparable(values: Tensor) -> Tensor:
    return (~values.isnan()).sum(-1) >= 2


def _largest(values: Tensor) -> Tensor:
    if values.shape[-1] == 1:
        return values.squeeze(-1)
    top = torch.where(values.isnan(), -torch.inf, values).amax(-1)
    return torch.where(values.isnan().all(-1), torch.nan, top)


def _smallest(values: Tensor) -> Tensor:
    return -_largest(-values)


def _furthest_from_zero(values: Tensor) -> Tensor:
    if values.shape[-1] == 1:
        return values.squeeze(-1)
    magnitude = torch.where(values.isnan(), -1.0, values.abs())
    return values.gather(-1, magnitude.argmax(-1, keepdim=True)).squeeze(-1)
