"""What everything that the objective adds about groups has in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.models.features import ModelOutputs
from fairkd.models.knobs import Knobs

Student = Callable[[Tensor], Tensor]
"""The student itself: from features, shape ``[B, ...]``, to logits, shape ``[B, C]``."""


class FairnessTerm(Knobs, ABC):
    """One named term of the objective about the cells of a block, and how much it counts.

    Groups absent from the batch and rows without a group contribute nothing. Hyperparameters are
    buffers, so that a stack of students may carry a different value each.

    Args:
        blocks: the data's group blocks.
        by: the block whose cells are compared; ``None`` is the data's first.

    Raises:
        ConfigError: there is no such block.
    """

    def __init__(self, blocks: Blocks, by: str | None = None) -> None:
        super().__init__()
        self.block = blocks.named(by)

    @property
    @abstractmethod
    def factor(self) -> Tensor:
        """What the term is multiplied with in the objective, shape ``[]``."""

    @abstractmethod
    def forward(self, student: ModelOutputs, batch: Batch, epoch: Tensor) -> Tensor:
        """The unweighted term, shape ``[]``.

        Args:
            student: the student's outputs, with gradient.
            batch: the rows.
            epoch: counted from 0, shape ``[]``; infinite on validation.
        """

    def asking(
        self,
        student: ModelOutputs,
        batch: Batch,
        epoch: Tensor,
        model: Student | None,  # noqa: ARG002
    ) -> Tensor:
        """`forward` for whom may ask the student about rows of its own making; most do not.

        Args:
            student: the student's outputs, with gradient.
            batch: the rows.
            epoch: as `forward`.
            model: the student itself; ``None`` where there are only its outputs.
        """
        value: Tensor = self(student, batch, epoch)
        return value

    def stepped(
        self, student: ModelOutputs, batch: Batch, epoch: Tensor, model: Student | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The term in a step of training, and its own state after it, by buffer; most have none.

        Args:
            student: the student's outputs in the step, with gradient.
            batch: the rows.
            epoch: counted from 0, shape ``[]``.
            model: as `asking`.

        Returns:
            `asking`, with gradient, and the state without.
        """
        return self.asking(student, batch, epoch, model), {}

    def followed(self) -> dict[str, Tensor]:
        """What of its own state is worth a curve, by name, shape ``[]`` each; mostly nothing."""
        return {}
