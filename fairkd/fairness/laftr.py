"""Adversarially fair representations: an adversary guesses the group from a hidden layer."""

import torch
from torch import Tensor

from fairkd import checks
from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.cells import cell_shares, label_shares
from fairkd.fairness.judging import remaining_gap
from fairkd.fairness.mitigation import Adversary, Contest
from fairkd.fairness.names import ADVERSARY_KNOWS
from fairkd.fairness.predictor import GroupPredictor
from fairkd.models.features import ModelOutputs
from fairkd.models.probabilities import probabilities


def reversed_gradient(x: Tensor, weight: Tensor) -> Tensor:
    """``x`` itself, whose gradient comes back times ``-weight``."""
    return x.detach() - weight * (x - x.detach())


class LAFTR(Adversary):
    r"""A layer of the student from which an adversary cannot tell the groups apart.

    The adversary descends on its error, every group counting alike,

    .. math:: \frac{1}{k} \sum_g \frac{1}{n_g} \sum_{i \in g} (1 - p_{ig})

    with p its softmax and k the groups of the batch (for two of them the L1 distance to the group's
    number), and the student climbs on it, by its gradient reversed, times the weight. Given the
    label, the adversary sees it, and every group and label counts alike. (Madras, Creager, Pitassi
    and Zemel, "Learning adversarially fair and transferable representations", ICML 2018, who take
    the sum over groups.)

    Rows of unknown group are not asked about. The student can make the adversary err by
    (k - 1) / k, which is chance.

    Args:
        blocks: the data's group blocks.
        n_classes: C.
        by: the block whose cell is guessed; ``None`` is the data's first.
        given: ``nothing`` (against unequal selection rates) or ``label`` (against unequal odds).
        layer: of the student: a module path, ``first`` or ``last`` of its named features.
        weight: how strongly the student climbs, at least 0.
        hidden: units of the adversary's hidden layer; 0: it is linear.

    Raises:
        ConfigError: an unknown block or word, or a value out of its range.
    """

    weight: Tensor
    predictor: GroupPredictor

    def __init__(
        self,
        blocks: Blocks,
        n_classes: int,
        by: str | None = None,
        given: str = "nothing",
        layer: str = "last",
        weight: float = 1.0,
        hidden: int = 32,
    ) -> None:
        super().__init__()
        self.block = blocks.named(by)
        self.given = checks.choice("given", given, ADVERSARY_KNOWS)
        self.n_labels = n_classes if self.given == "label" else 1
        self.student_features = (layer,)
        self.hidden = checks.whole("hidden", hidden)
        self.knob("weight", weight, least=0.0)

    def connect(self, student: ModelOutputs, generator: torch.Generator) -> None:
        """Make the adversary."""
        seen = self._layer(student)
        labels = self.n_labels if self.n_labels > 1 else 0
        self.predictor = GroupPredictor(
            seen.shape[1] + labels, len(self.block.cells), self.hidden, generator, seen
        )

    def forward(self, student: ModelOutputs, batch: Batch, epoch: Tensor) -> Contest:
        """The contest over one batch."""
        error = self.guess_error(reversed_gradient(self._layer(student), self.weight), batch)
        training = epoch.isfinite()
        value = torch.where(training, error, remaining_gap(student, batch, self.block, self.given))
        return Contest(value, torch.where(training, torch.ones_like(self.weight), self.weight))

    def guess_error(self, layer: Tensor, batch: Batch) -> Tensor:
        """The adversary's error, every cell counting alike, shape ``[]``.

        Args:
            layer: of the student, shape ``[B, D]``.
            batch: the rows.
        """
        if self.n_labels > 1:
            layer = torch.cat([layer, label_shares(batch.y, self.n_labels, layer)], 1)
        p = probabilities(self.predictor(layer))
        members = self.block.of(batch.group).to(p.dtype)
        weighted = cell_shares(members * batch.weight[:, None], batch.y, self.n_labels)
        rows = weighted.sum(0)
        present = rows > 0
        errors = (weighted * (1 - p)[..., None]).sum(0) / torch.where(present, rows, 1.0)
        return errors.sum() / present.sum().clamp(min=1)

    def _layer(self, student: ModelOutputs) -> Tensor:
        return student.features[self.student_features[0]].flatten(1)
