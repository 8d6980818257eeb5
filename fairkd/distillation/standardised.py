"""Soft targets on standardised logits: the student need not match the teacher's scale."""

import torch
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.distillation.classes import at_least_three
from fairkd.distillation.response import soft_targets
from fairkd.distillation.schedule import Schedule
from fairkd.distillation.softened import SoftenedTerm
from fairkd.models.features import ModelOutputs

_EPSILON = 1e-7


def standardised(logits: Tensor) -> Tensor:
    r"""Each row's logits with mean 0 and deviation 1.

    .. math:: (z - \bar z) / (\sigma(z) + 10^{-7})

    with the unbiased standard deviation. (Sun, Ren, Li, Wang and Cao, "Logit standardization in
    knowledge distillation", CVPR 2024.)

    Args:
        logits: shape ``[B, C]``.
    """
    deviation = logits.std(-1, keepdim=True)
    return (logits - logits.mean(-1, keepdim=True)) / (deviation + _EPSILON)


class StandardisedLogits(SoftenedTerm):
    """`fairkd.distillation.response.soft_targets` on `standardised` logits.

    Args:
        weight: the term's factor; the published recipe gives labels a weight of 0.1 beside it.
        temperature: see `SoftenedTerm`.
        temperature_scaling: see `SoftenedTerm`.
        schedule: see `SoftenedTerm`.
    """

    def __init__(
        self,
        weight: float = 9.0,
        temperature: float = 2.0,
        temperature_scaling: str = "squared",
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(weight, temperature, temperature_scaling, schedule)

    def connect(
        self,
        student: ModelOutputs,
        teacher: ModelOutputs,
        generator: torch.Generator,
    ) -> None:
        """Refuse two classes.

        Raises:
            ConfigError: there are two: standardised they are always the same pair of numbers.
        """
        at_least_three(
            student.logits,
            "distillation=standardised_logits leaves nothing of the logits but which is larger",
            "use distillation=soft_targets",
        )

    def forward(
        self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch, epoch: Tensor
    ) -> Tensor:
        """The scaled divergence of each row, shape ``[B]``."""
        ours, theirs = standardised(student.logits), standardised(teacher.logits)
        temperature, scale = self.softening(epoch)
        return scale * soft_targets(ours, theirs, temperature)
