"""Losses on intermediate features: the student's layer learns to predict the teacher's."""

import math

import torch
from torch import Tensor, nn

from fairkd.data.batch import Batch
from fairkd.distillation.term import DistillationTerm
from fairkd.errors import ConfigError
from fairkd.models.features import ModelOutputs


def hint(projected: Tensor, teacher_feature: Tensor) -> Tensor:
    r"""Mean squared error between a projected student feature and the teacher's.

    .. math:: \frac{1}{D} \sum_d (r(f_s)_d - (f_t)_d)^2

    (Romero et al., "FitNets: hints for thin deep nets", ICLR 2015.)

    Args:
        projected: the student's feature in the teacher's shape, ``[B, D]``.
        teacher_feature: shape ``[B, D]``.

    Returns:
        One error per row, shape ``[B]``.
    """
    return (projected - teacher_feature).square().flatten(1).mean(1)


class Hint(DistillationTerm):
    """`hint` between two named layers through a learned linear projection.

    The projection is trained with the student and dropped with the objective.

    Args:
        weight: the term's factor.
        student_layer: module path in the student (``hidden1``).
        teacher_layer: module path in the teacher (``hidden2``).
    """

    projection: nn.Linear

    def __init__(self, weight: float, student_layer: str, teacher_layer: str) -> None:
        super().__init__(weight)
        self.student_features = (student_layer,)
        self.teacher_features = (teacher_layer,)

    def connect(
        self, student: ModelOutputs, teacher: ModelOutputs, generator: torch.Generator
    ) -> None:
        """Make the projection from the student's width to the teacher's.

        Raises:
            ConfigError: a layer whose output is not flat.
        """
        ours = student.features[self.student_features[0]]
        theirs = teacher.features[self.teacher_features[0]]
        for layer, feature in (
            (self.student_features[0], ours),
            (self.teacher_features[0], theirs),
        ):
            if feature.dim() != 2:
                raise ConfigError(
                    f"distillation=hint projects flat layers; '{layer}' gives rows of shape "
                    f"{list(feature.shape[1:])}: name another layer in "
                    "distillation.terms.hint.student_layer or teacher_layer."
                )
        # Made without values: the layer would draw its own from the global generator.
        empty = nn.Linear(ours.shape[1], theirs.shape[1], dtype=ours.dtype, device="meta")
        self.projection = empty.to_empty(device=ours.device)
        bound = 1 / math.sqrt(ours.shape[1])
        with torch.no_grad():
            for parameter in self.projection.parameters():
                parameter.uniform_(-bound, bound, generator=generator)

    def forward(self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch) -> Tensor:  # noqa: ARG002
        """The error of each row, shape ``[B]``."""
        projected = self.projection(student.features[self.student_features[0]])
        return hint(projected, teacher.features[self.teacher_features[0]])
