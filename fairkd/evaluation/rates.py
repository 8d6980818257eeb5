"""Rates of each group from its counts; undefined ones are NaN.

Every function takes counts of shape ``[..., G, C, C]`` (group, true, predicted), so that one batch,
a whole split and a thousand bootstrap draws are read by the same lines. All but `accuracy` take
each class against the rest and return ``[..., G, C]``. With two classes the last column is the
rate of the field's name (class 1 is the positive one): `reported` picks it out.
"""

from typing import NamedTuple

from torch import Tensor


class _OneVersusRest(NamedTuple):
    """Counts of each class against the rest, shape ``[..., G, C]`` each."""

    hits: Tensor
    positives: Tensor
    selected: Tensor
    total: Tensor

    @classmethod
    def of(cls, counts: Tensor) -> "_OneVersusRest":
        positives = total(counts, -1)
        return cls(
            hits=counts.diagonal(dim1=-2, dim2=-1),
            positives=positives,
            selected=total(counts, -2),
            total=total(positives, -1).unsqueeze(-1),
        )

    def only(self, classes: list[int]) -> "_OneVersusRest":
        """The counts of some classes."""
        hits, positives, selected = (part[..., classes] for part in self[:3])
        return _OneVersusRest(hits, positives, selected, self.total)

    def selection_rate(self) -> Tensor:
        return self.selected / self.total

    def true_positive_rate(self) -> Tensor:
        return self.hits / self.positives

    def false_positive_rate(self) -> Tensor:
        return (self.selected - self.hits) / (self.total - self.positives)

    def precision(self) -> Tensor:
        return self.hits / self.selected


def total(counts: Tensor, axis: int) -> Tensor:
    """The sum along a short axis, slice by slice.

    torch's own sum is some thirty times slower where the short axis is not innermost in memory, as
    in draws of many tables.
    """
    first, *others = counts.unbind(axis)
    return sum(others, start=first)


def reported(n_classes: int) -> list[int]:
    """The classes whose rates are reported: the positive one of two, or all."""
    return [1] if n_classes == 2 else list(range(n_classes))


def support(counts: Tensor) -> Tensor:
    """Rows of each group, shape ``[..., G]``."""
    return total(total(counts, -1), -1)


def accuracy(counts: Tensor) -> Tensor:
    """Share of a group's rows that are predicted right, shape ``[..., G]``."""
    return total(counts.diagonal(dim1=-2, dim2=-1), -1) / support(counts)


def selection_rate(counts: Tensor) -> Tensor:
    """Share of a group's rows that are predicted as each class."""
    return _OneVersusRest.of(counts).selection_rate()


def true_positive_rate(counts: Tensor) -> Tensor:
    """Share of a class's rows that are predicted as that class (recall)."""
    return _OneVersusRest.of(counts).true_positive_rate()


def false_positive_rate(counts: Tensor) -> Tensor:
    """Share of the other classes' rows that are predicted as the class."""
    return _OneVersusRest.of(counts).false_positive_rate()


def true_negative_rate(counts: Tensor) -> Tensor:
    """Share of the other classes' rows that are not predicted as the class."""
    n = _OneVersusRest.of(counts)
    return (n.total - n.positives - n.selected + n.hits) / (n.total - n.positives)


def false_negative_rate(counts: Tensor) -> Tensor:
    """Share of a class's rows that are predicted as another class."""
    n = _OneVersusRest.of(counts)
    return (n.positives - n.hits) / n.positives


def precision(counts: Tensor) -> Tensor:
    """Share of the rows predicted as a class that are of it (positive predictive value)."""
    return _OneVersusRest.of(counts).precision()


def recorded_rates(counts: Tensor) -> dict[str, Tensor]:
    """The record's rates by name: accuracy ``[..., G]``, the others ``[..., G, K]``.

    K is 1 (the positive class) for two classes, else C.
    """
    n = _OneVersusRest.of(counts).only(reported(counts.shape[-1]))
    return {
        "accuracy": accuracy(counts),
        "selection_rate": n.selection_rate(),
        "true_positive_rate": n.true_positive_rate(),
        "false_positive_rate": n.false_positive_rate(),
        "precision": n.precision(),
    }
