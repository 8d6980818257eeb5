"""Rates of each group from its counts; undefined ones are NaN.

Every function takes counts of shape ``[..., G, C, C]`` (group, true, predicted), so that one batch,
a whole split and a thousand bootstrap draws are read by the same lines. All but `accuracy` take
each class against the rest and return ``[..., G, C]``. With two classes the last column is the
rate of the field's name (class 1 is the positive one): `reported` picks it out.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor


class _OneVersusRest(NamedTuple):
    """Counts of each class against the rest, shape ``[..., G, C]`` each."""

    hits: Tensor
    positives: Tensor
    selected: Tensor
    total: Tensor


def reported(n_classes: int) -> list[int]:
    """The classes whose rates are reported: the positive one of two, or all."""
    return [1] if n_classes == 2 else list(range(n_classes))


def support(counts: Tensor) -> Tensor:
    """Rows of each group, shape ``[..., G]``."""
    return counts.sum((-1, -2))


def accuracy(counts: Tensor) -> Tensor:
    """Share of a group's rows that are predicted right, shape ``[..., G]``."""
    return counts.diagonal(dim1=-2, dim2=-1).sum(-1) / support(counts)


def selection_rate(counts: Tensor) -> Tensor:
    """Share of a group's rows that are predicted as each class."""
    n = _one_versus_rest(counts)
    return n.selected / n.total


def true_positive_rate(counts: Tensor) -> Tensor:
    """Share of a class's rows that are predicted as that class (recall)."""
    n = _one_versus_rest(counts)
    return n.hits / n.positives


def false_positive_rate(counts: Tensor) -> Tensor:
    """Share of the other classes' rows that are predicted as the class."""
    n = _one_versus_rest(counts)
    return (n.selected - n.hits) / (n.total - n.positives)


def true_negative_rate(counts: Tensor) -> Tensor:
    """Share of the other classes' rows that are not predicted as the class."""
    n = _one_versus_rest(counts)
    return (n.total - n.positives - n.selected + n.hits) / (n.total - n.positives)


def false_negative_rate(counts: Tensor) -> Tensor:
    """Share of a class's rows that are predicted as another class."""
    n = _one_versus_rest(counts)
    return (n.positives - n.hits) / n.positives


def precision(counts: Tensor) -> Tensor:
    """Share of the rows predicted as a class that are of it (positive predictive value)."""
    n = _one_versus_rest(counts)
    return n.hits / n.selected


ONE_VERSUS_REST: Mapping[str, Callable[[Tensor], Tensor]] = {
    "selection_rate": selection_rate,
    "true_positive_rate": true_positive_rate,
    "false_positive_rate": false_positive_rate,
    "precision": precision,
}
"""The one-versus-rest rates of the record, by their names there."""


def recorded_rates(counts: Tensor) -> dict[str, Tensor]:
    """The record's rates by name: accuracy ``[..., G]``, the others ``[..., G, K]``.

    K is 1 (the positive class) for two classes, else C.
    """
    kept = torch.tensor(reported(counts.shape[-1]), device=counts.device)
    one_versus_rest = {
        name: rate(counts).index_select(-1, kept) for name, rate in ONE_VERSUS_REST.items()
    }
    return {"accuracy": accuracy(counts), **one_versus_rest}


def _one_versus_rest(counts: Tensor) -> _OneVersusRest:
    positives = counts.sum(-1)
    return _OneVersusRest(
        hits=counts.diagonal(dim1=-2, dim2=-1),
        positives=positives,
        selected=counts.sum(-2),
        total=positives.sum(-1, keepdim=True),
    )
