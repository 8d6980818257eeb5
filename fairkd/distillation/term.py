"""What every distillation term has in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.models.features import ModelOutputs
from fairkd.models.knobs import Knobs


class DistillationTerm(Knobs, ABC):
    """One named term of the objective: a comparison of student and teacher, and how much it counts.

    A term returns one value per row, shape ``[B]`` (the objective averages them under the rows'
    weights), or a single value over the batch. Its hyperparameters are buffers, never numbers
    frozen into code, so that a stack of students may carry a different value each.

    Args:
        weight: the term's factor in the objective, at least 0.

    Attributes:
        student_features: module paths of the student that the term reads.
        teacher_features: module paths of the teacher that the term reads.
        fewest_rows: how many rows a batch needs for the term to say anything; where training gives
            it fewer, the configuration is refused.
        stacks_exactly: whether it rounds in a stack of students as for one of them, as far as the
            first gradients tell; of one that does not, students train one by one (see
            `fairkd.training.stack`).
    """

    weight: Tensor
    student_features: tuple[str, ...] = ()
    teacher_features: tuple[str, ...] = ()
    fewest_rows: int = 1
    stacks_exactly: bool = True

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.knob("weight", weight, least=0.0)

    def find_groups(self, blocks: Blocks) -> None:
        """Find the group block that the term reads; most terms need none.

        Args:
            blocks: the data's group blocks.

        Raises:
            ConfigError: there is no such block.
        """

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

    def learn(self, teacher: Mapping[str, ModelOutputs], splits: Mapping[str, Batch]) -> None:
        """Take from the teacher's outputs what the term needs before training; most need nothing.

        Args:
            teacher: its outputs on ``train`` and ``validation``.
            splits: the rows.
        """

    def advanced(
        self,
        student: ModelOutputs,
        teacher: ModelOutputs,
        batch: Batch,
        epoch: Tensor,
    ) -> dict[str, Tensor]:
        """What the term's own state (buffers by name) is after a training step on these rows.

        A pure function, like the term: whoever trains puts the new values into place, for one
        student or for a stack of them. Most terms have no state.

        Args:
            student: the student's outputs in the step, without gradient.
            teacher: the teacher's.
            batch: the rows.
            epoch: as `forward`.
        """
        return {}

    @abstractmethod
    def forward(
        self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch, epoch: Tensor
    ) -> Tensor:
        """The unweighted term, shape ``[B]`` or ``[]``.

        Args:
            student: the student's outputs, with gradient.
            teacher: the teacher's outputs for the same rows.
            batch: the rows.
            epoch: the current epoch, counted from 0, shape ``[]``; infinite on validation.
        """
