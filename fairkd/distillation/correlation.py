"""Distillation by correlation: the student keeps the teacher's order, not its values (DIST)."""

import torch
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.distillation.classes import at_least_three
from fairkd.distillation.schedule import Schedule
from fairkd.distillation.softened import SoftenedTerm
from fairkd.models.features import ModelOutputs
from fairkd.models.probabilities import probabilities

_EPSILON = 1e-8


def pearson(a: Tensor, b: Tensor, dim: int) -> Tensor:
    """Pearson's correlation along a dimension; 0 where either does not vary.

    Args:
        a: values.
        b: values of the same shape.
        dim: the dimension that the correlation is taken over, and that goes.
    """
    a, b = (values - values.mean(dim, keepdim=True) for values in (a, b))
    spread = (a.square().sum(dim) * b.square().sum(dim) + _EPSILON**2).sqrt()
    return (a * b).sum(dim) / spread


def correlation(
    student_logits: Tensor, teacher_logits: Tensor, temperature: Tensor | float
) -> tuple[Tensor, Tensor]:
    r"""How far softened probabilities are from correlating with the teacher's.

    .. math:: 1 - \rho(p_{s,i\cdot}, p_{t,i\cdot}), \qquad
              1 - \frac{1}{C} \sum_c \rho(p_{s,\cdot c}, p_{t,\cdot c})

    The first compares the classes of a row, the second the rows of the batch in every class.
    (Huang, You, Wang, Qian and Xu, "Knowledge distillation from a stronger teacher", NeurIPS 2022.)

    Args:
        student_logits: shape ``[B, C]``, at least two rows.
        teacher_logits: shape ``[B, C]``.
        temperature: T > 0.

    Returns:
        Between classes, shape ``[B]``; within classes, shape ``[]``. Both from 0 to 2.
    """
    ours, theirs = (probabilities(z / temperature) for z in (student_logits, teacher_logits))
    return 1 - pearson(ours, theirs, -1), 1 - pearson(ours, theirs, -2).mean(-1)


class Correlation(SoftenedTerm):
    """`correlation` with a weight for each part.

    Args:
        weight: the term's factor.
        between_classes: weight of the part over a row's classes (the paper's beta).
        within_classes: weight of the part over a batch's rows (its gamma).
        temperature: see `SoftenedTerm`.
        temperature_scaling: see `SoftenedTerm`; the authors' code scales by T squared, their
            formula does not.
        schedule: see `SoftenedTerm`.

    Raises:
        ConfigError: a value out of its range.
    """

    fewest_rows = 2
    between_classes: Tensor
    within_classes: Tensor

    def __init__(
        self,
        weight: float = 2.0,
        between_classes: float = 1.0,
        within_classes: float = 1.0,
        temperature: float = 4.0,
        temperature_scaling: str = "squared",
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(weight, temperature, temperature_scaling, schedule)
        for name, value in (
            ("between_classes", between_classes),
            ("within_classes", within_classes),
        ):
            self.knob(name, value, least=0.0)

    def connect(
        self,
        student: ModelOutputs,
        teacher: ModelOutputs,
        generator: torch.Generator,
    ) -> None:
        """Refuse a correlation that is always 1 or -1.

        Raises:
            ConfigError: the part between classes counts, and there are two.
        """
        if float(self.between_classes) > 0:
            at_least_three(
                student.logits,
                "distillation=correlation compares the order of a row's classes, which is 1 or -1 "
                "and has no gradient",
                "set distillation.terms.correlation.between_classes=0, or use "
                "distillation=soft_targets",
            )

    def forward(
        self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch, epoch: Tensor
    ) -> Tensor:
        """Both parts of each row, shape ``[B]``: that within classes is the same for all."""
        temperature, scale = self.softening(epoch)
        between, within = correlation(student.logits, teacher.logits, temperature)
        return scale * (self.between_classes * between + self.within_classes * within)
