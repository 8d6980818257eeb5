"""What a mitigation may change about a student's training, beside any constraint."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.models.features import ModelOutputs
from fairkd.models.knobs import Knobs


class Mitigation(Knobs, ABC):
    """One way to train for fairness that is no bound on a disparity.

    Like the objective that it is part of, it is a pure function of tensors: hyperparameters and
    state are buffers.

    Attributes:
        student_features: module paths of the student that it reads.
    """

    student_features: tuple[str, ...] = ()

    def connect(self, student: ModelOutputs, generator: torch.Generator) -> None:
        """Build what depends on the student's shapes; most need nothing.

        Args:
            student: the student's outputs for a few rows.
            generator: source of the initial values of trained parameters, so that the student
                starts from the same weights with and without the mitigation.
        """

    def learn(self, splits: Mapping[str, Batch]) -> None:
        """Take from the rows what is needed before training; most need nothing.

        Args:
            splits: the rows of ``train`` and ``validation``.
        """

    def advanced(self, student: ModelOutputs, batch: Batch, epoch: Tensor) -> dict[str, Tensor]:  # noqa: ARG002
        """Its own state after a training step, by buffer; most have none.

        Args:
            student: the student's outputs in the step, without gradient.
            batch: the rows.
            epoch: counted from 0, shape ``[]``.
        """
        return {}


class RowWeights(Mitigation):
    """Says how much each row counts."""

    @abstractmethod
    def factors(self, batch: Batch, epoch: Tensor) -> Tensor:
        """What the rows' weights are multiplied with, shape ``[B]``.

        Args:
            batch: the rows.
            epoch: counted from 0, shape ``[]``; infinite on validation.
        """


class LabelLoss(Mitigation):
    """Makes one number of the rows' losses with the labels, in place of their mean."""

    @abstractmethod
    def aggregated(self, losses: Tensor, batch: Batch, epoch: Tensor) -> Tensor:
        """The loss, shape ``[]``.

        Args:
            losses: cross-entropy of each row, shape ``[B]``.
            batch: the rows, with the weights that they have in the objective.
            epoch: counted from 0, shape ``[]``; infinite on validation.
        """


class Opponent(NamedTuple):
    """What the student's step shall not help with.

    Attributes:
        loss: of the opponent, with gradient into the student, shape ``[]``.
        weight: how strongly the student works against it, shape ``[]``.
    """

    loss: Tensor
    weight: Tensor


class Contest(NamedTuple):
    """What an adversary adds to the objective of one batch.

    Attributes:
        value: its term, shape ``[]``.
        weight: the term's weight in the total, shape ``[]``.
        opponent: how the student's gradient is changed beyond the total's; ``None`` where the
            total says it all.
    """

    value: Tensor
    weight: Tensor
    opponent: Opponent | None = None


class Adversary(Mitigation):
    """Predicts the group from what the student makes of a row, and is trained along with it.

    In training its term is its own loss. On validation, where epochs are compared, it is the gap
    that the adversary is there to close (`fairkd.fairness.judging`), under the weight that the
    student is trained with.

    Attributes:
        opposes: whether it changes the student's gradient beyond the total's.
    """

    opposes = False

    @abstractmethod
    def forward(self, student: ModelOutputs, batch: Batch, epoch: Tensor) -> Contest:
        """The contest over one batch.

        Args:
            student: the student's outputs, with gradient.
            batch: the rows.
            epoch: counted from 0, shape ``[]``; infinite on validation.
        """
