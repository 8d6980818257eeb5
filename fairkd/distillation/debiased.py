"""Debiased weighting: rows that a biased model gets wrong count more."""

import torch
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.distillation.feature import Hint
from fairkd.distillation.layers import Layers
from fairkd.distillation.mixture import MixtureTerm
from fairkd.distillation.projection import Projection
from fairkd.distillation.schedule import Schedule
from fairkd.models.features import ModelOutputs
from fairkd.models.probabilities import cross_entropy, probabilities


def is_wrong(logits: Tensor, y: Tensor) -> Tensor:
    """Whether a row's likeliest class is not its label's, shape ``[B]``."""
    labels = y if y.dim() == 1 else y.argmax(-1)
    return logits.argmax(-1) != labels


def early_weights(logits: Tensor, y: Tensor, beta: Tensor | float, power: Tensor | float) -> Tensor:
    r"""Weights from a shallow model's errors: the surer it errs, the more a row counts.

    .. math:: \exp(\beta \lvert p_0 - p_1 \rvert^a) \text{ where it is wrong, else } 1

    with its two largest probabilities. (Tiwari, Sivasubramanian, Mekala, Ramakrishnan and Shenoy,
    "Using early readouts to mediate featural bias in distillation", WACV 2024.)

    Args:
        logits: of the shallow model, shape ``[B, C]``.
        y: class indices, shape ``[B]``, or soft labels, whose likeliest class counts.
        beta: at least 0.
        power: the paper's alpha.

    Returns:
        Shape ``[B]``, at least 1.
    """
    first, second = probabilities(logits).topk(2, dim=-1).values.unbind(-1)
    surety = (first - second) ** power
    return torch.where(is_wrong(logits, y), (beta * surety).exp(), 1.0)


class DebiasedHint(Hint):
    """`Hint` with more weight on the rows that the teacher itself gets wrong: DeTT's weighting.

    The paper takes the errors of a separate reference model trained as usual; here that is the
    teacher, whose outputs on the training rows are at hand. A teacher that fits them all has no
    errors left, and this is `Hint` then. The paper's other half, the teacher's last layer as the
    student's, frozen, is not in here. (Lee et al., "Debiased distillation by transplanting the
    last layer", 2023.)

    Args:
        weight: the term's factor.
        student_layer: see `LayerTerm`.
        teacher_layer: see `LayerTerm`.
        upweight: factor of the rows it gets wrong, at least 1.

    Raises:
        ConfigError: a value out of its range.
    """

    name = "debiased_hint"
    upweight: Tensor

    def __init__(
        self,
        weight: float = 1.0,
        student_layer: Layers = "last",
        teacher_layer: Layers = "last",
        upweight: float = 20.0,
    ) -> None:
        super().__init__(weight, student_layer, teacher_layer)
        self.knob("upweight", upweight, least=1.0)

    def forward(
        self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch, epoch: Tensor
    ) -> Tensor:
        """The weighted error of each row, shape ``[B]``."""
        weights = torch.where(is_wrong(teacher.logits, batch.y), self.upweight, 1.0)
        return weights * super().forward(student, teacher, batch, epoch)


class EarlyReadout(MixtureTerm):
    r"""Labels and soft targets, rows weighted by the errors of a readout from an early layer.

    .. math:: w \left[ (1 - \alpha) \mathrm{CE} + \alpha T^2 \mathrm{KL} \right]
              + \mathrm{CE}_\text{readout}

    with w from `early_weights` (DEDIER). The readout is a linear layer on the student's early layer
    (of maps, on their mean over places), trained along on labels without touching the student. The
    weights are those of the readout as it is in the step. The term holds its own cross-entropy, so
    labels count nothing beside it.

    Args:
        weight: the term's factor.
        alpha: share of the soft targets, from 0 to 1.
        temperature: see `SoftenedTerm`.
        temperature_scaling: see `SoftenedTerm`.
        student_layer: the early layer; ``first`` is the model's first named feature.
        beta: see `early_weights`.
        power: see `early_weights`.
        schedule: see `SoftenedTerm`.

    Raises:
        ConfigError: a value out of its range.
    """

    alpha: Tensor
    beta: Tensor
    power: Tensor
    readout: Projection

    def __init__(
        self,
        weight: float = 1.0,
        alpha: float = 0.9,
        temperature: float = 3.0,
        temperature_scaling: str = "squared",
        student_layer: str = "first",
        beta: float = 3.0,
        power: float = 6.0,
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(weight, temperature, temperature_scaling, schedule)
        self.student_features = (student_layer,)
        self.knob("alpha", alpha, least=0.0, most=1.0)
        self.knob("beta", beta, least=0.0)
        self.knob("power", power, above=0.0)

    def connect(
        self,
        student: ModelOutputs,
        teacher: ModelOutputs,
        generator: torch.Generator,
    ) -> None:
        """Make the readout."""
        self.readout = Projection(self._early(student), student.logits.shape[-1], generator)

    def forward(
        self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch, epoch: Tensor
    ) -> Tensor:
        """The weighted mixture and the readout's own loss of each row, shape ``[B]``."""
        read: Tensor = self.readout(self._early(student).detach())
        weights = early_weights(read.detach(), batch.y, self.beta, self.power)
        rows = self.mixed(student, teacher, batch, self.alpha, epoch)
        return weights * rows + cross_entropy(read, batch.y)

    def _early(self, student: ModelOutputs) -> Tensor:
        feature = student.features[self.student_features[0]]
        return feature.flatten(2).mean(2) if feature.dim() > 2 else feature
