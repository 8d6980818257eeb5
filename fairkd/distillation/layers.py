"""Terms that compare named layers: which of the student's meets which of the teacher's."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence

from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.distillation.term import DistillationTerm
from fairkd.errors import ConfigError
from fairkd.models.features import ModelOutputs

Layers = str | Sequence[str]


class LayerTerm(DistillationTerm):
    """A term that is the sum of one comparison for each pair of layers.

    Args:
        weight: the term's factor.
        student_layer: a module path in the student (``hidden1``), or several; ``last`` is the
            model's last named feature.
        teacher_layer: as many module paths in the teacher.

    Attributes:
        name: what messages call the term: its name in the configuration.

    Raises:
        ConfigError: the weight is out of range, or the layers do not pair.
    """

    name = "feature"

    def __init__(
        self, weight: float, student_layer: Layers = "last", teacher_layer: Layers = "last"
    ) -> None:
        super().__init__(weight)
        self.student_features = _listed(student_layer)
        self.teacher_features = _listed(teacher_layer)
        ours, theirs = len(self.student_features), len(self.teacher_features)
        if ours != theirs or not ours:
            raise ConfigError(
                f"student_layer names {ours} layers and teacher_layer {theirs}; accepted: as many "
                "of the one as of the other, and at least one."
            )

    def pairs(
        self, student: ModelOutputs, teacher: ModelOutputs
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """The features that are compared, in the order of the configuration and one precision."""
        for ours, theirs in zip(self.student_features, self.teacher_features, strict=True):
            feature = student.features[ours]
            yield feature, teacher.features[theirs].to(feature.dtype)

    def forward(
        self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch, epoch: Tensor
    ) -> Tensor:
        """The sum over the pairs, shape ``[B]`` or ``[]``."""
        first, *others = (
            self.compare(number, ours, theirs, batch)
            for number, (ours, theirs) in enumerate(self.pairs(student, teacher))
        )
        for value in others:
            first = first + value
        return first

    @abstractmethod
    def compare(self, number: int, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:
        """The unweighted term of one pair, shape ``[B]`` or ``[]``.

        Args:
            number: the pair's place.
            student: the student's feature, shape ``[B, ...]``.
            teacher: the teacher's.
            batch: the rows.
        """

    def require_maps(self, student: ModelOutputs, teacher: ModelOutputs) -> None:
        """Refuse layers without spatial extent.

        Raises:
            ConfigError: a layer whose rows are not of shape ``[C, H, W]`` with several places.
        """
        for layer, feature in self._named(student, teacher):
            if feature.dim() != 4 or feature[0, 0].numel() < 2:
                raise ConfigError(
                    f"distillation={self.name} compares places of an image, and '{layer}' gives "
                    f"rows of shape {list(feature.shape[1:])}; name a layer of shape [C, H, W] in "
                    f"distillation.terms.{self.name}.student_layer and teacher_layer, or use "
                    "distillation=hint."
                )

    def _named(self, student: ModelOutputs, teacher: ModelOutputs) -> Iterator[tuple[str, Tensor]]:
        for layers, outputs in (
            (self.student_features, student),
            (self.teacher_features, teacher),
        ):
            for layer in layers:
                yield layer, outputs.features[layer]


def _listed(layers: Layers) -> tuple[str, ...]:
    return (layers,) if isinstance(layers, str) else tuple(layers)
