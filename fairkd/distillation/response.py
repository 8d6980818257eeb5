"""Losses on outputs: the student learns the teacher's class probabilities."""

import torch
from torch import Tensor

from fairkd import checks
from fairkd.data.batch import Batch
from fairkd.distillation.term import DistillationTerm
from fairkd.models.features import ModelOutputs
from fairkd.models.probabilities import log_probabilities

# The power of T that multiplies the softened term.
TEMPERATURE_SCALING = {"squared": 2.0, "none": 0.0}


def soft_targets(
    student_logits: Tensor, teacher_logits: Tensor, temperature: Tensor | float
) -> Tensor:
    r"""Kullback-Leibler divergence from teacher to student, both softened by the temperature.

    .. math:: \sum_c p_t \log (p_t / p_s), \quad p = \mathrm{softmax}(z / T)

    Its gradient with respect to the logits shrinks like :math:`1/T^2`; `SoftTargets` multiplies by
    :math:`T^2` unless told not to. (Hinton, Vinyals and Dean, "Distilling the knowledge in a neural
    network", 2015.)

    Args:
        student_logits: shape ``[B, C]``.
        teacher_logits: shape ``[B, C]``.
        temperature: T > 0, a number or a tensor of shape ``[]``.

    Returns:
        One divergence per row in nats, shape ``[B]``, at least 0 and 0 where both agree.
    """
    log_student = log_probabilities(student_logits / temperature)
    log_teacher = log_probabilities(teacher_logits / temperature)
    return (log_teacher.exp() * (log_teacher - log_student)).sum(-1)


class SoftTargets(DistillationTerm):
    """`soft_targets` with its temperature, scaled by T squared or not at all.

    Args:
        weight: the term's factor, usually ``alpha``.
        temperature: softens both distributions, above 0.
        temperature_scaling: ``squared`` keeps the gradient's size over temperatures; ``none`` makes
            a sweep over temperatures one over weights as well.

    Raises:
        ConfigError: a value out of its range.
    """

    temperature: Tensor
    scaling_power: Tensor

    def __init__(
        self, weight: float = 0.9, temperature: float = 4.0, temperature_scaling: str = "squared"
    ) -> None:
        super().__init__(weight)
        temperature = checks.number("temperature", temperature, above=0.0)
        checks.choice("temperature_scaling", temperature_scaling, tuple(TEMPERATURE_SCALING))
        self.register_buffer("temperature", torch.tensor(temperature))
        self.register_buffer(
            "scaling_power", torch.tensor(TEMPERATURE_SCALING[temperature_scaling])
        )

    def forward(self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch) -> Tensor:  # noqa: ARG002
        """The scaled divergence of each row, shape ``[B]``."""
        divergence = soft_targets(student.logits, teacher.logits, self.temperature)
        return self.temperature**self.scaling_power * divergence
