"""Terms that mix labels and soft targets themselves, row by row."""

from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.distillation.response import soft_targets
from fairkd.distillation.softened import SoftenedTerm
from fairkd.models.features import ModelOutputs
from fairkd.models.probabilities import cross_entropy


class MixtureTerm(SoftenedTerm):
    """A term that holds its own cross-entropy, so that labels count nothing beside it."""

    def mixed(
        self,
        student: ModelOutputs,
        teacher: ModelOutputs,
        batch: Batch,
        alpha: Tensor,
        epoch: Tensor,
    ) -> Tensor:
        r"""Each row's :math:`(1 - \alpha) \mathrm{CE} + \alpha T^2 \mathrm{KL}`, shape ``[B]``.

        Args:
            student: the student's outputs.
            teacher: the teacher's.
            batch: the rows.
            alpha: share of the soft targets, shape ``[]`` or ``[B]``.
            epoch: the current epoch.
        """
        temperature, scale = self.softening(epoch)
        divergence = scale * soft_targets(student.logits, teacher.logits, temperature)
        return (1 - alpha) * cross_entropy(student.logits, batch.y) + alpha * divergence
