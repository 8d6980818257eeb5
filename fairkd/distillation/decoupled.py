"""Decoupled distillation: how sure the teacher is, and what it says of the other classes."""

import torch
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.distillation.classes import at_least_three, target_mask, without
from fairkd.distillation.schedule import Schedule
from fairkd.distillation.softened import SoftenedTerm
from fairkd.models.features import ModelOutputs


def decoupled(
    student_logits: Tensor, teacher_logits: Tensor, y: Tensor, temperature: Tensor | float
) -> tuple[Tensor, Tensor]:
    r"""The two parts of the softened divergence: on the label's class, and among all others.

    .. math:: \mathrm{KL}(b_t \Vert b_s), \quad \mathrm{KL}(q_t \Vert q_s), \qquad
              b = (p_y, 1 - p_y), \quad q = \mathrm{softmax}_{c \neq y}(z / T)

    The whole divergence is the first plus :math:`1 - p_{t,y}` times the second. (Zhao, Cui, Song,
    Qiu and Liang, "Decoupled knowledge distillation", CVPR 2022.)

    Args:
        student_logits: shape ``[B, C]``.
        teacher_logits: shape ``[B, C]``.
        y: class indices, shape ``[B]``, or soft labels, whose likeliest class counts.
        temperature: T > 0.

    Returns:
        The target part and the non-target part of each row in nats, shape ``[B]`` each.
    """
    mask = target_mask(y, student_logits.shape[-1])
    (log_b_s, log_q_s), (log_b_t, log_q_t) = (
        _split(logits / temperature, mask) for logits in (student_logits, teacher_logits)
    )
    on_target = (log_b_t.exp() * (log_b_t - log_b_s)).sum(-1)
    gaps = torch.where(mask, 0.0, log_q_t - log_q_s)
    return on_target, (log_q_t.exp() * gaps).sum(-1)


def _split(logits: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """``log b``, shape ``[B, 2]``, and ``log q``, shape ``[B, C]``, very low at the target."""
    others = without(logits, mask)
    target = torch.where(mask, logits, 0.0).sum(-1)
    both = torch.stack([target, others.logsumexp(-1)], dim=-1)
    return both.log_softmax(-1), others.log_softmax(-1)


class Decoupled(SoftenedTerm):
    """`decoupled` with a weight for each part, beside the full cross-entropy with the labels.

    Args:
        weight: the term's factor.
        target: weight of the part on the label's class.
        non_target: weight of the part among the other classes.
        temperature: see `SoftenedTerm`.
        temperature_scaling: see `SoftenedTerm`.
        schedule: see `SoftenedTerm`.

    Raises:
        ConfigError: a value out of its range.
    """

    target: Tensor
    non_target: Tensor

    def __init__(
        self,
        weight: float = 1.0,
        target: float = 1.0,
        non_target: float = 8.0,
        temperature: float = 4.0,
        temperature_scaling: str = "squared",
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(weight, temperature, temperature_scaling, schedule)
        for name, value in (("target", target), ("non_target", non_target)):
            self.knob(name, value, least=0.0)

    def connect(
        self,
        student: ModelOutputs,
        teacher: ModelOutputs,
        generator: torch.Generator,
    ) -> None:
        """Refuse what has no other classes.

        Raises:
            ConfigError: the non-target part counts, and there are two classes.
        """
        if float(self.non_target) > 0:
            at_least_three(
                student.logits,
                "distillation=decoupled compares the classes beside the label's, and there is "
                "nothing to compare",
                "use distillation=soft_targets, or set distillation.terms.decoupled.non_target=0",
            )

    def forward(
        self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch, epoch: Tensor
    ) -> Tensor:
        """Both parts of each row, shape ``[B]``."""
        temperature, scale = self.softening(epoch)
        on_target, off_target = decoupled(student.logits, teacher.logits, batch.y, temperature)
        return scale * (self.target * on_target + self.non_target * off_target)
