"""The per-class binary form of the founding article: each class against all others."""

from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.distillation.classes import among, log_of_others
from fairkd.distillation.term import DistillationTerm
from fairkd.models.features import ModelOutputs
from fairkd.models.probabilities import log_probabilities, probabilities


def per_class_binary(student_logits: Tensor, target: Tensor) -> Tensor:
    r"""Binary cross-entropy of every class against the rest, summed over classes.

    .. math:: -\sum_c \left[ y_c \log p_c + (1 - y_c) \log (1 - p_c) \right],
              \quad p = \mathrm{softmax}(z_s)

    The article prints it without the minus sign, which would be maximised, and takes logarithms of
    the logits themselves, which may be negative; here it is a loss to minimise, over probabilities.
    With two classes it is twice the cross-entropy.

    Args:
        student_logits: shape ``[B, C]``.
        target: probabilities, shape ``[B, C]``: one-hot labels or a teacher's.

    Returns:
        One value per row in nats, shape ``[B]``.
    """
    log_p = log_probabilities(student_logits)
    log_rest = log_of_others(student_logits)
    return -(target * log_p + (1 - target) * log_rest).sum(-1)


class PerClassBinary(DistillationTerm):
    """`per_class_binary` against the labels plus the same against the teacher.

    Args:
        weight: the term's factor.
        labels: how much the part against the labels counts within the term.
        teacher: how much the part against the teacher's probabilities counts.

    Raises:
        ConfigError: a value out of its range.
    """

    labels: Tensor
    teacher: Tensor

    def __init__(self, weight: float = 1.0, labels: float = 1.0, teacher: float = 1.0) -> None:
        super().__init__(weight)
        for name, value in (("labels", labels), ("teacher", teacher)):
            self.knob(name, value, least=0.0)

    def forward(
        self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch, epoch: Tensor
    ) -> Tensor:
        """Both parts of each row, shape ``[B]``."""
        n_classes = student.logits.shape[-1]
        labels = among(batch.y, n_classes).to(student.logits.dtype)
        against_labels = per_class_binary(student.logits, labels)
        against_teacher = per_class_binary(student.logits, probabilities(teacher.logits))
        return self.labels * against_labels + self.teacher * against_teacher
