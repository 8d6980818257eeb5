"""Losses on single features: the student's layer learns to predict the teacher's."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fairkd.data.batch import Batch
from fairkd.distillation.layers import LayerTerm
from fairkd.distillation.projection import Projection, check_alike, same_extent
from fairkd.models.features import ModelOutputs

_LEAST_VARIANCE = 1e-5
_FIRST_VARIANCE = 5.0


def hint(projected: Tensor, teacher_feature: Tensor) -> Tensor:
    r"""Mean squared error between a projected student feature and the teacher's.

    .. math:: \frac{1}{D} \sum_d (r(f_s)_d - (f_t)_d)^2

    (Romero et al., "FitNets: hints for thin deep nets", ICLR 2015.)

    Args:
        projected: the student's feature in the teacher's shape, ``[B, ...]``.
        teacher_feature: the same shape.

    Returns:
        One error per row, shape ``[B]``.
    """
    return (projected - teacher_feature).square().flatten(1).mean(1)


def variational(predicted: Tensor, teacher_feature: Tensor, variance: Tensor) -> Tensor:
    r"""Negative log-likelihood of the teacher's feature, up to a constant: variational information.

    .. math:: \frac{1}{D} \sum_d \frac{1}{2} \left[ \frac{(\mu(f_s)_d - (f_t)_d)^2}{\sigma_c^2}
              + \log \sigma_c^2 \right]

    with one variance per channel c. It may be negative. (Ahn, Hu, Damianou, Lawrence and Dai,
    "Variational information distillation for knowledge transfer", CVPR 2019.)

    Args:
        predicted: the mean, predicted from the student's feature, ``[B, C, ...]``.
        teacher_feature: the same shape.
        variance: shape ``[C]``, above 0.

    Returns:
        One value per row, shape ``[B]``.
    """
    of_channel = variance.reshape(-1, *[1] * (predicted.dim() - 2))
    error = (predicted - teacher_feature).square() / of_channel + of_channel.log()
    return error.flatten(1).mean(1) / 2


class Hint(LayerTerm):
    """`hint` between named layers, each through a learned linear projection.

    Args:
        weight: the term's factor.
        student_layer: see `LayerTerm`.
        teacher_layer: see `LayerTerm`.
    """

    name = "hint"
    projections: nn.ModuleList

    def connect(
        self, student: ModelOutputs, teacher: ModelOutputs, generator: torch.Generator
    ) -> None:
        """Make the projections from the student's channels to the teacher's.

        Raises:
            ConfigError: a layer with places meets one without.
        """
        self.projections = _projections(self, student, teacher, generator)

    def compare(self, number: int, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:
        """The error of each row, shape ``[B]``."""
        student, teacher = same_extent(student, teacher)
        return hint(self.projections[number](student), teacher)


class Variational(LayerTerm):
    """`variational`: a projection predicts the teacher's feature, and variances are trained too.

    The paper predicts the mean by three convolutions; here it is one linear map over channels.

    Args:
        weight: the term's factor.
        student_layer: see `LayerTerm`.
        teacher_layer: see `LayerTerm`.
    """

    name = "variational"
    projections: nn.ModuleList
    raw_variances: nn.ParameterList

    def connect(
        self, student: ModelOutputs, teacher: ModelOutputs, generator: torch.Generator
    ) -> None:
        """Make the projections, and variances of 5 as the authors start from.

        Raises:
            ConfigError: a layer with places meets one without.
        """
        self.projections = _projections(self, student, teacher, generator)
        first = math.log(math.expm1(_FIRST_VARIANCE - _LEAST_VARIANCE))
        self.raw_variances = nn.ParameterList(
            torch.full((theirs.shape[1],), first, dtype=theirs.dtype, device=theirs.device)
            for _, theirs in self.pairs(student, teacher)
        )

    def compare(self, number: int, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:
        """The value of each row, shape ``[B]``."""
        student, teacher = same_extent(student, teacher)
        variance = F.softplus(self.raw_variances[number]) + _LEAST_VARIANCE
        return variational(self.projections[number](student), teacher, variance)


def _projections(
    term: LayerTerm, student: ModelOutputs, teacher: ModelOutputs, generator: torch.Generator
) -> nn.ModuleList:
    made = nn.ModuleList()
    for ours, theirs in term.pairs(student, teacher):
        check_alike(term.name, ours, theirs)
        made.append(Projection(ours, theirs, generator))
    return made
