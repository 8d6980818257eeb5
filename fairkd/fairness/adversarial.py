"""Adversarial debiasing: an adversary guesses the group from the student's outputs."""

import torch
from torch import Tensor

from fairkd import checks
from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.cells import cell_shares, label_shares
from fairkd.fairness.judging import remaining_gap
from fairkd.fairness.mitigation import Adversary, Contest, Opponent
from fairkd.fairness.names import ADVERSARY_KNOWS
from fairkd.fairness.predictor import GroupPredictor
from fairkd.models.features import ModelOutputs
from fairkd.models.probabilities import log_probabilities


class AdversarialDebiasing(Adversary):
    r"""The student unlearns what an adversary needs, and keeps out of what would help it.

    The student's step follows

    .. math:: g - \mathrm{proj}_h\, g - \alpha h

    with g the gradient of all else that it minimises, h the gradient of the adversary's loss
    (cross-entropy with the group) in the student's weights, all of them taken as one vector, and
    alpha the weight. The adversary itself descends on its loss. (Zhang, Lemoine and Mitchell,
    "Mitigating unwanted biases with adversarial learning", AIES 2018.)

    The adversary sees the logits less their mean, in which no prediction shows. Given the label, it
    sees them in a place of their own for every label, and the label: then it finds what is left
    within a label. Rows of unknown group are not asked about.

    Args:
        blocks: the data's group blocks.
        n_classes: C.
        by: the block whose cell is guessed; ``None`` is the data's first.
        given: ``nothing`` (against unequal selection rates) or ``label`` (against unequal odds).
        weight: alpha, at least 0; at 0 the student still keeps out of what would help.
        hidden: units of the adversary's hidden layer; 0: it is linear.

    Raises:
        ConfigError: an unknown block or word, or a value out of its range.
    """

    opposes = True
    weight: Tensor
    predictor: GroupPredictor

    def __init__(
        self,
        blocks: Blocks,
        n_classes: int,
        by: str | None = None,
        given: str = "nothing",
        weight: float = 1.0,
        hidden: int = 0,
    ) -> None:
        super().__init__()
        self.block = blocks.named(by)
        self.given = checks.choice("given", given, ADVERSARY_KNOWS)
        self.n_labels = n_classes if self.given == "label" else 1
        self.hidden = checks.whole("hidden", hidden)
        self.knob("weight", weight, least=0.0)

    def connect(self, student: ModelOutputs, generator: torch.Generator) -> None:
        """Make the adversary."""
        n_classes = student.logits.shape[-1]
        labels = self.n_labels if self.n_labels > 1 else 0
        self.predictor = GroupPredictor(
            n_classes * self.n_labels + labels,
            len(self.block.cells),
            self.hidden,
            generator,
            student.logits,
        )

    def forward(self, student: ModelOutputs, batch: Batch, epoch: Tensor) -> Contest:
        """The contest over one batch."""
        own = self.guess_loss(student.logits.detach(), batch)
        training = epoch.isfinite()
        value = torch.where(training, own, remaining_gap(student, batch, self.block, self.given))
        weight = torch.where(training, torch.ones_like(self.weight), self.weight)
        opponent = Opponent(self.guess_loss(student.logits, batch), self.weight)
        return Contest(value, weight, opponent)

    def guess_loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """The adversary's mean cross-entropy with the group under the rows' weights, ``[]``.

        Args:
            logits: the student's, shape ``[B, C]``.
            batch: the rows.
        """
        seen = logits - logits.mean(-1, keepdim=True)
        if self.n_labels > 1:
            labels = label_shares(batch.y, self.n_labels, seen)
            apart = cell_shares(seen, batch.y, self.n_labels).flatten(1)
            seen = torch.cat([apart, labels], 1)
        log_p = log_probabilities(self.predictor(seen))
        members = self.block.of(batch.group).to(log_p.dtype) * batch.weight[:, None]
        total = members.sum()
        loss = -(members * log_p).sum()
        return loss / torch.where(total > 0, total, 1.0)
