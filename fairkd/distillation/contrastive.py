"""Contrastive distillation: a row's two embeddings are near, those of other rows are not (CRD)."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from fairkd import checks
from fairkd.data.batch import Batch
from fairkd.distillation.layers import Layers
from fairkd.distillation.projection import Projection, check_flat
from fairkd.distillation.relation import RelationTerm
from fairkd.models.features import ModelOutputs

# Places that no row has: of the memory's first directions, and of rows that cannot be in it.
_EMPTY, _NOT_REMEMBERED = -1, -2


def contrastive(
    anchor: Tensor,
    positive: Tensor,
    negatives: Tensor,
    same: Tensor,
    log_noise: Tensor,
    tau: Tensor,
) -> Tensor:
    r"""Noise-contrastive loss of telling a row's own embedding from those of other rows.

    .. math:: -\log h(a, p) - \sum_n \log (1 - h(a, n)), \quad
              h(a, b) = \frac{e^{a^\top b / \tau}}{e^{a^\top b / \tau} + \nu}

    The paper's noise is :math:`\nu = N / M`, N negatives out of M rows; its code divides the scores
    by a constant first, M times a first batch's mean score, so that it is N times that mean.
    (Tian, Krishnan and Isola, "Contrastive representation distillation", ICLR 2020.)

    Args:
        anchor: unit vectors, shape ``[B, D]``.
        positive: each row's other embedding, shape ``[B, D]``.
        negatives: shape ``[N, D]``.
        same: which negatives are of the row itself and do not count, shape ``[B, N]``.
        log_noise: logarithm of the noise, shape ``[]``.
        tau: temperature of the embeddings, above 0.

    Returns:
        One value per row, shape ``[B]``, at least 0.
    """
    # h is the logistic function of this, so that neither logarithm meets a rounded 0.
    of_positive = (anchor * positive).sum(1) / tau - log_noise
    of_negatives = anchor @ negatives.T / tau - log_noise
    pushed = torch.where(same, 0.0, F.softplus(of_negatives))
    return F.softplus(-of_positive) + pushed.sum(1)


class Contrastive(RelationTerm):
    """`contrastive` in both directions, over learned unit embeddings of both layers.

    The negatives are the embeddings of the rows that were trained on last, of both models: a memory
    that is part of the term's state. The authors keep one embedding of every row and draw from
    them. The noise is N times the mean score that the untrained embeddings give.

    Args:
        weight: the term's factor.
        student_layer: a flat layer; see `LayerTerm`.
        teacher_layer: a flat layer.
        width: of the embeddings, D.
        tau: temperature of the embeddings.
        memory: N, how many embeddings of each model are remembered.
        most_rows: see `RelationTerm`.

    Raises:
        ConfigError: a value out of its range, or more than one pair of layers.
    """

    name = "contrastive"
    fewest_rows = 1
    stacks_exactly = False  # on some CPUs later steps differ though the first ones agree
    tau: Tensor
    log_noise_of_student: Tensor
    log_noise_of_teacher: Tensor
    remembered_student: Tensor
    remembered_teacher: Tensor
    remembered_rows: Tensor

    def __init__(
        self,
        weight: float = 0.8,
        student_layer: Layers = "last",
        teacher_layer: Layers = "last",
        width: int = 128,
        tau: float = 0.07,
        memory: int = 16384,
        most_rows: int = 256,
    ) -> None:
        super().__init__(weight, student_layer, teacher_layer, most_rows)
        checks.whole("the number of pairs of layers", len(self.student_features), least=1, most=1)
        self.knob("tau", tau, above=0.0)
        self.width = checks.whole("width", width, least=1)
        self.memory = checks.whole("memory", memory, least=1)

    def connect(
        self, student: ModelOutputs, teacher: ModelOutputs, generator: torch.Generator
    ) -> None:
        """Make both embeddings, and fill the memory with random directions.

        Raises:
            ConfigError: a layer that is not flat.
        """
        ((ours, theirs),) = self.pairs(student, teacher)
        check_flat(self.name, ours, theirs)
        self.of_student = Projection(ours, self.width, generator)
        self.of_teacher = Projection(theirs, self.width, generator)
        for name in ("remembered_student", "remembered_teacher"):
            drawn = torch.randn(self.memory, self.width, generator=generator, dtype=ours.dtype)
            self.register_buffer(name, F.normalize(drawn, dim=1))
        self.register_buffer("remembered_rows", torch.full((self.memory,), _EMPTY))
        with torch.no_grad():
            embedded = self._embedded(ours, theirs)
            for name, anchor, others in (
                ("log_noise_of_student", embedded[0], self.remembered_teacher),
                ("log_noise_of_teacher", embedded[1], self.remembered_student),
            ):
                scores = anchor @ others.T / self.tau
                total = scores.flatten().logsumexp(0) - math.log(scores.numel())
                self.register_buffer(name, total + math.log(self.memory))

    def forward(
        self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch, epoch: Tensor
    ) -> Tensor:
        """Both directions of each row, shape ``[B]``."""
        # On validation a row's place is one of another split, and none of its own is remembered.
        own = torch.where(epoch.isfinite(), batch.index, _NOT_REMEMBERED)
        return super().forward(student, teacher, batch._replace(index=own), epoch)

    def compare(self, number: int, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:
        """Both directions of each row, shape ``[B]``."""
        embedded = self._embedded(student, teacher)
        return self.by_parts(self._both, self.most_rows, *embedded, batch.index)

    def advanced(
        self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch, epoch: Tensor
    ) -> dict[str, Tensor]:
        """The memory with these rows in the place of the oldest."""
        ((of_student, of_teacher),) = self.pairs(student, teacher)
        ours, theirs = self._embedded(of_student, of_teacher)
        latest = {
            "remembered_student": (self.remembered_student, ours),
            "remembered_teacher": (self.remembered_teacher, theirs),
            "remembered_rows": (self.remembered_rows, batch.index),
        }
        return {
            name: torch.cat([old, new.to(old.dtype)])[-self.memory :]
            for name, (old, new) in latest.items()
        }

    def _embedded(self, student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
        return (
            F.normalize(self.of_student(student), dim=1),
            F.normalize(self.of_teacher(teacher), dim=1),
        )

    def _both(self, ours: Tensor, theirs: Tensor, rows: Tensor) -> Tensor:
        same = rows[:, None] == self.remembered_rows[None, :]
        of_student = self.remembered_student.to(ours.dtype)
        of_teacher = self.remembered_teacher.to(ours.dtype)
        return contrastive(
            ours, theirs, of_teacher, same, self.log_noise_of_student, self.tau
        ) + contrastive(theirs, ours, of_student, same, self.log_noise_of_teacher, self.tau)
