"""Trust the teacher where it is right: labels and soft targets mixed by its margins."""

from collections.abc import Mapping

import torch
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.distillation.classes import among, target_mask
from fairkd.distillation.mixture import MixtureTerm
from fairkd.distillation.schedule import Schedule
from fairkd.models.features import ModelOutputs
from fairkd.models.probabilities import probabilities


def margins(logits: Tensor, y: Tensor) -> Tensor:
    """Probability of the label's class over that of the likeliest other, from -1 to 1, ``[B]``.

    Args:
        logits: shape ``[B, C]``.
        y: class indices, shape ``[B]``, or soft labels, whose likeliest class counts.
    """
    p = probabilities(logits)
    mask = target_mask(y, p.shape[-1])
    of_label = torch.where(mask, p, 0.0).sum(-1)
    return of_label - torch.where(mask, 0.0, p).amax(-1)


def class_margins(logits: Tensor, y: Tensor) -> Tensor:
    """The mean margin of every class's rows; 0 for classes without rows. Shape ``[C]``."""
    of_class = among(y if y.dim() == 1 else y.argmax(-1), logits.shape[-1]).to(logits.dtype)
    rows = of_class.sum(0)
    return (of_class.T @ margins(logits, y)) / torch.where(rows > 0, rows, 1.0)


class MarginWeighted(MixtureTerm):
    r"""Labels and soft targets, the teacher trusted in each class as far as its margin goes.

    .. math:: (1 - \alpha_y) \mathrm{CE} + \alpha_y T^2 \mathrm{KL}, \quad
              \alpha_y = \max(0, \gamma_y)

    with :math:`\gamma_y` the teacher's mean margin over held-out rows of class y: AdaAlpha. Those
    are the validation rows, which choose the best epoch as well. It holds its own cross-entropy,
    so labels count nothing beside it. (Lukasik, Bhojanapalli, Menon and Kumar, "Teacher's pet:
    understanding and mitigating biases in distillation", TMLR 2022.)

    Args:
        weight: the term's factor.
        temperature: see `SoftenedTerm`.
        temperature_scaling: see `SoftenedTerm`.
        schedule: see `SoftenedTerm`.
    """

    trust: Tensor

    def __init__(
        self,
        weight: float = 1.0,
        temperature: float = 4.0,
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
        """Trust the teacher nowhere until it was seen."""
        self.register_buffer("trust", torch.zeros(student.logits.shape[-1]))

    def learn(self, teacher: Mapping[str, ModelOutputs], splits: Mapping[str, Batch]) -> None:
        """Measure the teacher's margins on held-out rows."""
        held_out = class_margins(teacher["validation"].logits, splits["validation"].y)
        self.trust.copy_(held_out.clamp(min=0))

    def forward(
        self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch, epoch: Tensor
    ) -> Tensor:
        """The mixture of each row, shape ``[B]``."""
        mask = target_mask(batch.y, student.logits.shape[-1])
        alpha = torch.where(mask, self.trust, 0.0).sum(-1)
        return self.mixed(student, teacher, batch, alpha, epoch)
