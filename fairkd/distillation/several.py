"""Several teachers, those counting most that do not pull where a biased one pulls (AGRE-KD)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from fairkd import checks
from fairkd.data.batch import Batch
from fairkd.distillation.response import soft_targets
from fairkd.distillation.schedule import Schedule
from fairkd.distillation.softened import SoftenedTerm
from fairkd.models.features import ModelOutputs


def gradient_aware(
    student_logits: Tensor,
    teacher_logits: Sequence[Tensor],
    biased_logits: Tensor,
    temperature: Tensor | float,
) -> Tensor:
    r"""The mean divergence from several teachers, weighted by how little each agrees with a bias.

    .. math:: \frac{\sum_t W_t \mathrm{KL}_t}{\sum_t W_t}, \quad
              W_t = 1 - \langle g_t, g_\text{bias} \rangle

    with :math:`g = (p_s - p_t) / T`, the divergence's gradient by the student's logits, as a unit
    vector; where a teacher and the student agree there is no direction, and its weight is 1.
    (Adaptive group-robust ensemble knowledge distillation, TMLR 2025.)

    Args:
        student_logits: shape ``[B, C]``.
        teacher_logits: of each teacher, shape ``[B, C]``.
        biased_logits: of the biased model, shape ``[B, C]``.
        temperature: T > 0.

    Returns:
        One value per row in nats, shape ``[B]``.
    """
    divergences = torch.stack(
        [soft_targets(student_logits, of, temperature) for of in teacher_logits]
    )
    biased = _direction(student_logits, biased_logits, temperature)
    weights = torch.stack(
        [
            1 - (_direction(student_logits, of, temperature) * biased).sum(-1)
            for of in teacher_logits
        ]
    )
    # Where all teachers pull exactly as the biased one does, none is better than another. A product
    # of unit vectors may be rounded to above 1.
    weights = weights.clamp(min=0.0) + torch.finfo(weights.dtype).eps
    return (weights * divergences).sum(0) / weights.sum(0)


def _direction(student: Tensor, teacher: Tensor, temperature: Tensor | float) -> Tensor:
    with torch.no_grad():
        ours, theirs = ((logits / temperature).softmax(-1) for logits in (student, teacher))
        return F.normalize(ours - theirs, dim=-1)


class GradientAware(SoftenedTerm):
    """`gradient_aware` over the members of an ensemble, one of them the biased one.

    Args:
        weight: the term's factor.
        temperature: see `SoftenedTerm`.
        temperature_scaling: see `SoftenedTerm`.
        teachers: the members that teach (``members.a``, ``members.b``).
        biased: the member that shows the bias, and does not teach.
        schedule: see `SoftenedTerm`.

    Raises:
        ConfigError: a value out of its range, or no teachers.
    """

    def __init__(
        self,
        teachers: Sequence[str],
        biased: str,
        weight: float = 1.0,
        temperature: float = 4.0,
        temperature_scaling: str = "squared",
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(weight, temperature, temperature_scaling, schedule)
        checks.whole("the number of teachers", len(teachers), least=1)
        self.teacher_features = (*teachers, biased)

    def forward(
        self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch, epoch: Tensor
    ) -> Tensor:
        """The weighted divergence of each row, shape ``[B]``."""
        *teachers, biased = (teacher.features[name] for name in self.teacher_features)
        temperature, scale = self.softening(epoch)
        return scale * gradient_aware(student.logits, teachers, biased, temperature)
