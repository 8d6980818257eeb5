r"""Per-group statistics of a model, as ratios of two sums over rows.

Every statistic here is linear-fractional in the predictions p:

.. math:: \gamma_g = \frac{\sum_i m_{ig} (a_0 + b_0 p_i)}{\sum_i m_{ig} (a_1 + b_1 p_i)}

with coefficients that depend on the label alone. Soft predictions make it differentiable; hard ones
(0 or 1) give the rate a confusion matrix would. (Celis et al., "Classification with fairness
constraints", FAT* 2019; Buyl, Defrance and De Bie, "fairret", ICLR 2024.)
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from fairkd.errors import ConfigError, unknown_name

Coefficients = tuple[Tensor, Tensor, Tensor, Tensor]

_STANDARD_ERRORS = 2.0


class Rates(NamedTuple):
    """One statistic's values.

    Attributes:
        value: shape ``[S, K, G]``: conditions (two for equalized odds), classes, groups; 0 where
            undefined.
        defined: same shape, False where the denominator is 0 (the batch has no such rows), or less
            than two standard errors above it (of corrected memberships or labels).
        numerator: the sums that the values are ratios of, same shape.
        denominator: same shape.
    """

    value: Tensor
    defined: Tensor
    numerator: Tensor
    denominator: Tensor

    @classmethod
    def of(cls, numerator: Tensor, denominator: Tensor, noise: Tensor | None = None) -> "Rates":
        """The ratios of two sums, shape ``[S, K, G]``.

        Args:
            numerator: the sums above.
            denominator: the sums below.
            noise: the denominator's variance, see `Statistic.sums`; ``None``: it has none.
        """
        value, defined = _ratio(numerator, denominator, noise)
        return cls(value, defined, numerator, denominator)

    @property
    def overall(self) -> Tensor:
        """The value over all rows whose group is known, shape ``[S, K]``; 0 where undefined."""
        return _ratio(self.numerator.sum(-1), self.denominator.sum(-1), None)[0]


@dataclass(frozen=True)
class Statistic:
    """A statistic as its coefficient functions.

    Attributes:
        name: the configuration's word.
        conditions: one function per condition, from labels y in [0, 1], shape ``[B, K]``, to the
            coefficients (a0, b0, a1, b1), each broadcastable to ``[B, K]``.
        of: what p and y are: of each class against the rest (K = C, or 1 for two classes), or one
            value of all classes together.
        bounded: whether values lie in [0, 1].
    """

    name: str
    conditions: tuple[Callable[[Tensor], Coefficients], ...]
    of: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    bounded: bool = True

    def shape(self, n_classes: int) -> tuple[int, int]:
        """S and K: how many conditions, and classes taken against the rest."""
        p = torch.zeros(1, n_classes)
        return len(self.conditions), self.of(p, p)[0].shape[-1]

    def rates(
        self, probabilities: Tensor, y: Tensor, memberships: Tensor, *, corrected: bool = False
    ) -> Rates:
        """The statistic of each group.

        Args:
            probabilities: softmax at T = 1, or one-hot decisions, shape ``[B, C]``.
            y: class indices, shape ``[B]``, or soft labels, shape ``[B, C]``.
            memberships: one block's columns, shape ``[B, G]``, each in [0, 1]; beyond where known
                errors are corrected (see `fairkd.data.flips`), as are soft labels: all sums are
                linear in both.
            corrected: whether memberships or labels may be such.
        """
        return Rates.of(*self.sums(probabilities, y, memberships, corrected=corrected))

    def sums(
        self, probabilities: Tensor, y: Tensor, memberships: Tensor, *, corrected: bool = False
    ) -> Tensor:
        r"""What the rates are made of: numerators, denominators, and the denominators' noise.

        The noise is the variance that corrected memberships or labels (see `fairkd.data.flips`)
        have added. A row's part of the denominator is :math:`m c`, with the coefficient c affine in
        the label, :math:`c_0` or :math:`c_1` where that is known. As their expectations are those
        of 0 or 1, an unbiased estimate of the variance is

        .. math:: \sum_i m_i^2 c_i^2 - m_i \left[ (1 - y_i) c_{0i}^2 + y_i c_{1i}^2 \right]

        Of memberships and labels that are one-hot it would be exactly 0, and below where they are
        distributions.

        Args:
            probabilities: as `rates`, like the next two.
            y: class indices or soft labels.
            memberships: one block's columns.
            corrected: whether memberships or labels may be corrected ones.

        Returns:
            Shape ``[2, S, K, G]``, and ``[3, S, K, G]`` of corrected ones; the noise has no
            gradient.
        """
        p, label = self.of(probabilities, _one_hot(y, probabilities))
        found = []
        for condition in self.conditions:
            parts = _sums(condition(label), p, memberships)
            if corrected:
                parts = (*parts, _noise(condition, p.detach(), label, memberships))
            found.append(torch.stack(parts))
        return torch.stack(found, dim=1)


def find_statistic(name: str) -> Statistic:
    """The statistic of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in _BY_NAME:
        raise ConfigError(unknown_name("statistic", name, _BY_NAME))
    return _BY_NAME[name]


def _ratio(numerator: Tensor, denominator: Tensor, noise: Tensor | None) -> tuple[Tensor, Tensor]:
    """The ratio, 0 where undefined, and where it is defined."""
    defined = denominator > (0 if noise is None else _STANDARD_ERRORS * noise.relu().sqrt())
    ratio = numerator / torch.where(defined, denominator, 1.0)
    return torch.where(defined, ratio, 0.0), defined


def _each_class(p: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    return (p[:, 1:], y[:, 1:]) if p.shape[-1] == 2 else (p, y)


def _agreement(p: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The chance of predicting the row's own class, as if that class were the label 1."""
    agreement = (p * y).sum(-1, keepdim=True)
    return agreement, torch.ones_like(agreement)


def _cross_entropy(p: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The row's loss in nats; a probability that underflowed counts as the smallest normal one."""
    loss = -(y * p.clamp_min(torch.finfo(p.dtype).tiny).log()).sum(-1, keepdim=True)
    return loss, torch.ones_like(loss)


def _sums(coefficients: Coefficients, p: Tensor, memberships: Tensor) -> tuple[Tensor, ...]:
    """Numerator and denominator per class and group, shape ``[K, G]`` each."""
    a0, b0, a1, b1 = (c.expand_as(p) for c in coefficients)
    return _by_group(a0 + b0 * p, memberships), _by_group(a1 + b1 * p, memberships)


def _noise(
    condition: Callable[[Tensor], Coefficients], p: Tensor, y: Tensor, memberships: Tensor
) -> Tensor:
    """The variance of the denominator, shape ``[K, G]``; see `Statistic.sums`."""

    def coefficient(label: Tensor) -> Tensor:
        _, _, a1, b1 = condition(label)
        return a1 + b1 * p

    known = [coefficient(torch.full_like(y, float(c))).square() for c in (0, 1)]
    square = (1 - y) * known[0] + y * known[1]
    m, c = memberships.unsqueeze(-2), coefficient(y).unsqueeze(-1)
    return (m.square() * c.square() - m * square.unsqueeze(-1)).detach().sum(0)


def _by_group(values: Tensor, memberships: Tensor) -> Tensor:
    """Sums over rows, ``[K, G]``, of ``[B, K]`` and ``[B, G]``.

    Not a matrix product: those round otherwise in a stack of models than for one.
    """
    return (values.unsqueeze(-1) * memberships.unsqueeze(-2)).sum(0)


def _one_hot(y: Tensor, like: Tensor) -> Tensor:
    if y.dim() == 2:
        return y.to(like.dtype)
    return F.one_hot(y, like.shape[-1]).to(like.dtype)


def _selection_rate(y: Tensor) -> Coefficients:
    zero, one = torch.zeros_like(y), torch.ones_like(y)
    return zero, one, one, zero


def _true_positive_rate(y: Tensor) -> Coefficients:
    zero = torch.zeros_like(y)
    return zero, y, y, zero


def _false_positive_rate(y: Tensor) -> Coefficients:
    zero = torch.zeros_like(y)
    return zero, 1 - y, 1 - y, zero


def _positive_predictive_value(y: Tensor) -> Coefficients:
    zero, one = torch.zeros_like(y), torch.ones_like(y)
    return zero, y, zero, one


def _false_omission_rate(y: Tensor) -> Coefficients:
    one = torch.ones_like(y)
    return y, -y, one, -one


def _negative_to_positive_errors(y: Tensor) -> Coefficients:
    return y, -y, torch.zeros_like(y), 1 - y


def f_score(beta: float) -> Statistic:
    """The statistic F-beta, which weighs recall beta times as much as precision.

    Args:
        beta: above 0.
    """
    square = beta**2

    def condition(y: Tensor) -> Coefficients:
        zero, one = torch.zeros_like(y), torch.ones_like(y)
        return zero, (1 + square) * y, square * y, one

    return Statistic(f"f{beta:g}", (condition,), _each_class)


_BY_NAME = {
    known.name: known
    for known in (
        Statistic("selection_rate", (_selection_rate,), _each_class),
        Statistic("true_positive_rate", (_true_positive_rate,), _each_class),
        Statistic("false_positive_rate", (_false_positive_rate,), _each_class),
        Statistic("equalized_odds", (_true_positive_rate, _false_positive_rate), _each_class),
        # With the agreement as p and a label of 1, accuracy is the selection rate of agreeing.
        Statistic("accuracy", (_selection_rate,), _agreement),
        Statistic("positive_predictive_value", (_positive_predictive_value,), _each_class),
        Statistic("false_omission_rate", (_false_omission_rate,), _each_class),
        Statistic(
            "treatment_equality", (_negative_to_positive_errors,), _each_class, bounded=False
        ),
        f_score(1.0),
        Statistic("loss", (_selection_rate,), _cross_entropy, bounded=False),
    )
}
