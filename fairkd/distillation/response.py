"""Losses on outputs: the student learns the teacher's class probabilities, or its logits."""

from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.distillation.schedule import Schedule
from fairkd.distillation.softened import SoftenedTerm
from fairkd.distillation.term import DistillationTerm
from fairkd.models.features import ModelOutputs
from fairkd.models.probabilities import log_probabilities


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


def squared_logits(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    r"""Mean squared difference of the logits.

    .. math:: \frac{1}{C} \sum_c (z_s - z_t)^2

    Unlike soft targets it sees a shift common to all logits of a row. (Ba and Caruana, "Do deep
    nets really need to be deep?", NIPS 2014.)

    Args:
        student_logits: shape ``[B, C]``.
        teacher_logits: shape ``[B, C]``.

    Returns:
        One value per row, shape ``[B]``.
    """
    return (student_logits - teacher_logits).square().mean(-1)


def teacher_cross_entropy(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    r"""Cross-entropy against the teacher's probabilities as soft labels, at T = 1.

    .. math:: -\sum_c p_t \log p_s

    Its gradient is that of `soft_targets` at T = 1; its value is larger by the teacher's entropy.

    Args:
        student_logits: shape ``[B, C]``.
        teacher_logits: shape ``[B, C]``.

    Returns:
        One value per row in nats, shape ``[B]``.
    """
    teacher = log_probabilities(teacher_logits).exp()
    return -(teacher * log_probabilities(student_logits)).sum(-1)


class SoftTargets(SoftenedTerm):
    """`soft_targets` with its temperature, scaled by T squared or not at all.

    Args:
        weight: the term's factor, usually ``alpha``.
        temperature: see `SoftenedTerm`.
        temperature_scaling: see `SoftenedTerm`.
        schedule: see `SoftenedTerm`.
    """

    def __init__(
        self,
        weight: float = 0.9,
        temperature: float = 4.0,
        temperature_scaling: str = "squared",
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(weight, temperature, temperature_scaling, schedule)

    def forward(
        self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch, epoch: Tensor
    ) -> Tensor:
        """The scaled divergence of each row, shape ``[B]``."""
        temperature, scale = self.softening(epoch)
        return scale * soft_targets(student.logits, teacher.logits, temperature)


class SquaredLogits(DistillationTerm):
    """`squared_logits` as a term."""

    def forward(
        self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch, epoch: Tensor
    ) -> Tensor:
        """The squared difference of each row, shape ``[B]``."""
        return squared_logits(student.logits, teacher.logits)


class TeacherCrossEntropy(DistillationTerm):
    """`teacher_cross_entropy` as a term.

    Beside labels of weight 1 - a and with an overfitted teacher this is soft labelling without
    groups (Chai, Jang and Wang, "Fairness without demographics through knowledge distillation",
    NeurIPS 2022).
    """

    def forward(
        self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch, epoch: Tensor
    ) -> Tensor:
        """The cross-entropy of each row, shape ``[B]``."""
        return teacher_cross_entropy(student.logits, teacher.logits)
