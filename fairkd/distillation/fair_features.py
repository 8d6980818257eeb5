"""Fair features: the student's of every group look like the teacher's of everyone (MFD)."""

import torch
from torch import Tensor, nn

from fairkd.data.batch import Batch
from fairkd.data.blocks import Block, Blocks
from fairkd.distillation.classes import among
from fairkd.distillation.layers import Layers
from fairkd.distillation.projection import Projection, check_flat
from fairkd.distillation.relation import RelationTerm
from fairkd.models.features import ModelOutputs


def fair_discrepancy(
    student_feature: Tensor, teacher_feature: Tensor, labels: Tensor, membership: Tensor
) -> Tensor:
    r"""Maximum mean discrepancy between the teacher's features and each group's in the student.

    .. math:: \frac{1}{2} \sum_y \sum_a
              \mathrm{MMD}^2 \left( f_t \mid y, \; f_s \mid y, a \right)

    with the kernel :math:`\exp(-\lVert u - v \rVert^2 / 2 \sigma^2)`, whose :math:`\sigma^2` is the
    batch's mean squared distance between a teacher's and a student's feature. Cells without rows
    contribute nothing. (Jung, Lee, Park and Moon, "Fair feature distillation for visual
    recognition", CVPR 2021.)

    Args:
        student_feature: shape ``[B, D]``.
        teacher_feature: shape ``[B, D]``.
        labels: one-hot or soft, shape ``[B, C]``.
        membership: of each row in each group, shape ``[B, G]``.

    Returns:
        Shape ``[]``, at least 0 but for rounding.
    """
    # Every row's share in its class, and in its cell of class and group.
    of_class = _normalised(labels)
    of_cell = _normalised(labels[:, :, None] * membership[:, None, :])
    across = _squared_distances(student_feature, teacher_feature)
    width = 2 * across.detach().mean().clamp(min=torch.finfo(across.dtype).tiny)
    ours = _kernel(_squared_distances(student_feature, student_feature), width)
    theirs = _kernel(_squared_distances(teacher_feature, teacher_feature), width)
    between = _kernel(across, width)

    own = torch.einsum("icg,ij,jcg->cg", of_cell, ours, of_cell)
    teachers = torch.einsum("ic,ij,jc->c", of_class, theirs, of_class)
    mixed = torch.einsum("icg,ij,jc->cg", of_cell, between, of_class)
    present = of_cell.sum(0) > 0
    return torch.where(present, own + teachers[:, None] - 2 * mixed, 0.0).sum() / 2


def _normalised(columns: Tensor) -> Tensor:
    """Columns that sum to 1 over rows; those of nobody to 0."""
    total = columns.sum(0, keepdim=True)
    return columns / torch.where(total > 0, total, 1.0)


def _squared_distances(a: Tensor, b: Tensor) -> Tensor:
    centre = b.detach().mean(0)  # fewer digits are lost in the differences
    a, b = a - centre, b - centre
    squares = a.square().sum(1)[:, None] + b.square().sum(1)[None, :]
    return (squares - 2 * a @ b.T).clamp(min=0)


def _kernel(squared: Tensor, width: Tensor) -> Tensor:
    return (-squared / width).exp()


class FairFeatures(RelationTerm):
    """`fair_discrepancy` between the last or other flat layers.

    A student's layer of another width is brought to the teacher's by a learned linear projection;
    of the same width it is taken as it is, as in the paper.

    Args:
        weight: the term's factor (the paper's lambda, 3 to 7).
        student_layer: see `LayerTerm`.
        teacher_layer: see `LayerTerm`.
        by: the block whose groups are made alike; ``None`` is the data's first.
        most_rows: see `RelationTerm`.

    Raises:
        ConfigError: a value out of its range.
    """

    name = "fair_features"
    block: Block
    projections: nn.ModuleList

    def __init__(
        self,
        weight: float = 5.0,
        student_layer: Layers = "last",
        teacher_layer: Layers = "last",
        by: str | None = None,
        most_rows: int = 256,
    ) -> None:
        super().__init__(weight, student_layer, teacher_layer, most_rows)
        self.by = by

    def find_groups(self, blocks: Blocks) -> None:
        """Find the block.

        Raises:
            ConfigError: there is no such block.
        """
        self.block = blocks.named(self.by)

    def connect(
        self, student: ModelOutputs, teacher: ModelOutputs, generator: torch.Generator
    ) -> None:
        """Make projections where widths differ.

        Raises:
            ConfigError: a layer that is not flat.
        """
        self.n_classes = student.logits.shape[-1]
        self.projections = nn.ModuleList()
        for ours, theirs in self.pairs(student, teacher):
            check_flat(self.name, ours, theirs)
            alike = ours.shape == theirs.shape
            self.projections.append(nn.Identity() if alike else Projection(ours, theirs, generator))

    def compare(self, number: int, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:
        """The discrepancy, shape ``[]``."""
        labels = among(batch.y, self.n_classes).to(student.dtype)
        membership = self.block.of(batch.group).to(student.dtype)
        projected = self.projections[number](student)
        fields = (projected, teacher, labels, membership)
        return self.by_parts(fair_discrepancy, self.most_rows, *fields)
