"""What the terms that measure how predictions depend on a group have in common."""

from abc import abstractmethod

import torch
from torch import Tensor

from fairkd import checks
from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.parts import parts
from fairkd.fairness.masses import comparable
from fairkd.fairness.names import GIVEN
from fairkd.fairness.term import FairnessTerm
from fairkd.models.features import ModelOutputs
from fairkd.models.probabilities import probabilities


class Dependence(FairnessTerm):
    """How much the student's scores depend on a block: 0 where they do not, and no bound on it.

    Scores are probabilities, softmax at T = 1: of the positive class for two classes, of each class
    for more. Soft predictions alone count; what they do to decisions is seen on validation.

    Args:
        blocks: the data's group blocks.
        by: the block; ``None`` is the data's first.
        weight: the term's factor in the objective, at least 0.
        given: ``None`` compares all rows (as demographic parity does); ``label`` those of each
            label (as equalized odds), mean over the labels for which there is something to compare.
        most_rows: more rows than this, as when a whole split is judged, are taken in parts, and
            their mean; ``None`` takes any number at once.

    Raises:
        ConfigError: an unknown name, or a value out of its range.
    """

    weight: Tensor

    def __init__(
        self,
        blocks: Blocks,
        by: str | None = None,
        weight: float = 1.0,
        given: str | None = None,
        most_rows: int | None = None,
    ) -> None:
        super().__init__(blocks, by)
        self.knob("weight", weight, least=0.0)
        if given is not None:
            checks.choice("given", given, GIVEN)
        self.given = given
        self.most_rows = (
            None if most_rows is None else checks.whole("most_rows", most_rows, least=2)
        )

    @property
    def factor(self) -> Tensor:
        """The weight."""
        return self.weight

    def scores(self, student: ModelOutputs) -> Tensor:
        """What is compared, shape ``[B, K]``."""
        return against_the_rest(probabilities(student.logits))

    @abstractmethod
    def measure(self, scores: Tensor, memberships: Tensor) -> Tensor:
        """The dependence, shape ``[]``.

        Args:
            scores: shape ``[B, K]``.
            memberships: shape ``[B, G]``.
        """

    def forward(
        self,
        student: ModelOutputs,
        batch: Batch,
        epoch: Tensor | None = None,  # noqa: ARG002
    ) -> Tensor:
        """The dependence in these rows, shape ``[]``; the epoch has no say."""
        memberships = self.block.of(batch.group)
        scores = self.scores(student).to(memberships.dtype)
        labels = _labels(batch.y, student.logits.shape[1]).to(memberships.dtype)
        rows = len(memberships)
        if self.most_rows is None or rows <= self.most_rows:
            return self._measured(scores, memberships, labels)
        values = [
            len(part) * self._measured(scores[part], memberships[part], labels[part])
            for part in parts(rows, self.most_rows, scores.device)
        ]
        return torch.stack(values).sum() / rows

    def _measured(self, scores: Tensor, memberships: Tensor, labels: Tensor) -> Tensor:
        if self.given is None:
            return self.measure(scores, memberships)
        of_label = [memberships * label for label in labels.unsqueeze(2).unbind(1)]
        values = torch.stack([self.measure(scores, rows) for rows in of_label])
        there = torch.stack([comparable(rows) for rows in of_label]).to(values.dtype)
        return (values * there).sum() / there.sum().clamp(min=1)


def against_the_rest(values: Tensor) -> Tensor:
    """One column for each class, or the positive one's alone where there are two.

    Args:
        values: shape ``[B, C]``.
    """
    return values[:, 1:] if values.shape[1] == 2 else values


def _labels(y: Tensor, n_classes: int) -> Tensor:
    """Labels as distributions over classes, shape ``[B, C]``; of indices a mask."""
    return y if y.dim() > 1 else y.unsqueeze(1) == torch.arange(n_classes, device=y.device)
