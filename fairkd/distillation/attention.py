"""Losses on maps: where a layer looks, and what its channels select."""

from abc import abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.distillation.layers import LayerTerm
from fairkd.distillation.projection import same_extent
from fairkd.models.features import ModelOutputs


def attention(feature: Tensor) -> Tensor:
    r"""Where a layer is active: the mean square over channels at every place, as a unit vector.

    Args:
        feature: shape ``[B, C, H, W]``.

    Returns:
        Shape ``[B, H W]``.
    """
    return F.normalize(feature.square().mean(1).flatten(1), dim=1)


def attention_transfer(student_feature: Tensor, teacher_feature: Tensor) -> Tensor:
    r"""Mean squared difference of both attention maps.

    .. math:: \frac{1}{HW} \lVert Q_s - Q_t \rVert^2, \quad
              Q = \frac{\mathrm{vec}(\overline{f^2})}{\lVert \mathrm{vec}(\overline{f^2}) \rVert}

    Neither the number of channels nor the features' scale matters. (Zagoruyko and Komodakis,
    "Paying more attention to attention", ICLR 2017.)

    Args:
        student_feature: shape ``[B, C, H, W]``.
        teacher_feature: shape ``[B, C', H, W]``.

    Returns:
        One value per row, shape ``[B]``.
    """
    return (attention(student_feature) - attention(teacher_feature)).square().mean(1)


def neuron_selectivity(student_feature: Tensor, teacher_feature: Tensor) -> Tensor:
    r"""Squared maximum mean discrepancy between both layers' channels, as patterns over places.

    .. math:: \frac{1}{C_s^2} \sum_{ij} k(a_i, a_j) + \frac{1}{C_t^2} \sum_{ij} k(b_i, b_j)
              - \frac{2}{C_s C_t} \sum_{ij} k(a_i, b_j), \quad k(a, b) = (a^\top b)^2

    over the L2-normalised channels a of the student and b of the teacher. (Huang and Wang, "Like
    what you like: knowledge distill via neuron selectivity transfer", 2017.)

    Since :math:`\sum_{ij} (a_i^\top b_j)^2` is the inner product of :math:`A^\top A` and
    :math:`B^\top B`, all of it is one squared distance between two matrices over places; where
    there are more places than channels the kernels are summed instead, which is less work then.

    Args:
        student_feature: shape ``[B, C, H, W]``.
        teacher_feature: shape ``[B, C', H, W]``.

    Returns:
        One value per row, shape ``[B]``, at least 0 but for rounding.
    """
    ours, theirs = (F.normalize(f.flatten(2), dim=2) for f in (student_feature, teacher_feature))
    if ours.shape[2] <= max(ours.shape[1], theirs.shape[1]):
        return (_second_moment(ours) - _second_moment(theirs)).square().sum((1, 2))
    return _kernel(ours, ours) + _kernel(theirs, theirs) - 2 * _kernel(ours, theirs)


def _second_moment(channels: Tensor) -> Tensor:
    """Mean over channels of ``a a^T``, shape ``[B, H W, H W]``."""
    return channels.mT @ channels / channels.shape[1]


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.mT).square().mean((1, 2))


class MapTerm(LayerTerm):
    """A term that compares maps, at the smaller one's extent, summed over pairs of layers.

    Args:
        weight: the term's factor.
        student_layer: see `LayerTerm`.
        teacher_layer: see `LayerTerm`.
    """

    def connect(
        self,
        student: ModelOutputs,
        teacher: ModelOutputs,
        generator: torch.Generator,
    ) -> None:
        """Refuse layers without places.

        Raises:
            ConfigError: there are none.
        """
        self.require_maps(student, teacher)

    def compare(self, number: int, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:
        """The value of each row, shape ``[B]``."""
        return self.of_maps(*same_extent(student, teacher))

    @abstractmethod
    def of_maps(self, student: Tensor, teacher: Tensor) -> Tensor:
        """The value of each row, shape ``[B]``, of maps of one extent."""


class AttentionTransfer(MapTerm):
    """`attention_transfer`; see `MapTerm` for its arguments."""

    name = "attention"

    def of_maps(self, student: Tensor, teacher: Tensor) -> Tensor:
        """The difference of each row's maps, shape ``[B]``."""
        return attention_transfer(student, teacher)


class NeuronSelectivity(MapTerm):
    """`neuron_selectivity`; see `MapTerm` for its arguments."""

    name = "neuron_selectivity"

    def of_maps(self, student: Tensor, teacher: Tensor) -> Tensor:
        """The discrepancy of each row, shape ``[B]``."""
        return neuron_selectivity(student, teacher)
