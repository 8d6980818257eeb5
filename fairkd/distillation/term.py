"""What every distillation term has in common."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from fairkd import checks
from fairkd.data.batch import Batch
from fairkd.models.features import ModelOutputs


class DistillationTerm(nn.Module, ABC):
    """One named term of the objective: a comparison of student and teacher, and how much it counts.

    A term returns one value per row, shape ``[B]`` (the objective averages them under the rows'
    weights), or a single value over the batch. Its hyperparameters are buffers, never numbers
    frozen into code, so that a stack of students may carry a different value each.

    Args:
        weight: the term's factor in the objective, at least 0.

    Attributes:
        student_features: module paths of the student that the term reads.
        teacher_features: module paths of the teacher that the term reads.
    """

    weight: Tensor
    student_features: tuple[str, ...] = ()
    teacher_features: tuple[str, ...] = ()

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.register_buffer("weight", torch.tensor(checks.number("weight", weight, least=0.0)))

    def connect(
        self,
        student: ModelOutputs,
        teacher: ModelOutputs,
        generator: torch.Generator,
    ) -> None:
        """Build what depends on both models' shapes; most terms need nothing.

        Args:
            student: the student's outputs for a few rows.
            teacher: the teacher's outputs for the same rows.
            generator: source of the initial values of trained parameters. It is the term's own, so
                that the student starts from the same weights with and without the term.
        """

    @abstractmethod
    def forward(self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch) -> Tensor:
        """The unweighted term, shape ``[B]`` or ``[]``."""
