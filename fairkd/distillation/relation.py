"""Losses on relations between rows: the student keeps how the teacher tells rows apart.

Nothing connects the layers' shapes: only similarities and distances between rows are compared.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from fairkd import checks
from fairkd.data.batch import Batch
from fairkd.data.parts import parts
from fairkd.distillation.layers import Layers, LayerTerm

_EPSILON = 1e-7


def similarity_preserving(student_feature: Tensor, teacher_feature: Tensor) -> Tensor:
    r"""Squared distance between both layers' similarities of rows.

    .. math:: \frac{1}{B^2} \lVert \tilde G_s - \tilde G_t \rVert_F^2, \quad G = F F^\top

    with the rows of G brought to unit length. (Tung and Mori, "Similarity-preserving knowledge
    distillation", ICCV 2019.)

    Args:
        student_feature: shape ``[B, ...]``.
        teacher_feature: shape ``[B, ...]``.

    Returns:
        Shape ``[]``.
    """
    ours, theirs = (_similarities(f) for f in (student_feature, teacher_feature))
    return (ours - theirs).square().mean()


def relational_distance(student_feature: Tensor, teacher_feature: Tensor) -> Tensor:
    r"""Huber loss between both layers' distances of rows, each over its mean distance.

    .. math:: \frac{1}{B^2} \sum_{ij} \mathrm{Huber}(d^s_{ij} - d^t_{ij}), \quad
              d_{ij} = \lVert f_i - f_j \rVert / \mu

    with :math:`\mu` the mean of the distances above 0. (Park, Kim, Lu and Cho, "Relational
    knowledge distillation", CVPR 2019.)

    Args:
        student_feature: shape ``[B, ...]``.
        teacher_feature: shape ``[B, ...]``.

    Returns:
        Shape ``[]``.
    """
    ours, theirs = (_distances(f) for f in (student_feature, teacher_feature))
    return F.smooth_l1_loss(ours, theirs)


def relational_angle(student_feature: Tensor, teacher_feature: Tensor) -> Tensor:
    r"""Huber loss between the cosines of the angles at every row between every two others.

    .. math:: \frac{1}{B^3} \sum_{ijk} \mathrm{Huber}(c^s_{ijk} - c^t_{ijk}), \quad
              c_{ijk} = \langle e_{ij}, e_{ik} \rangle, \;
              e_{ij} = \frac{f_j - f_i}{\lVert f_j - f_i \rVert}

    Work and memory grow with :math:`B^3`. (Park et al., as `relational_distance`.)

    Args:
        student_feature: shape ``[B, ...]``.
        teacher_feature: shape ``[B, ...]``.

    Returns:
        Shape ``[]``.
    """
    ours, theirs = (_cosines(f) for f in (student_feature, teacher_feature))
    return F.smooth_l1_loss(ours, theirs)


def probabilistic(student_feature: Tensor, teacher_feature: Tensor) -> Tensor:
    r"""Divergence between both layers' distributions of which row is near which (PKT).

    .. math:: \sum_j P^t_{ij} \log \frac{P^t_{ij}}{P^s_{ij}}, \quad
              P_{ij} = \frac{1 + \cos(f_i, f_j)}{\sum_k 1 + \cos(f_i, f_k)}

    The published code takes the mean over all :math:`B^2` pairs, so that its strength depends on
    the batch; here it is a value for every row, and 469 times it is their 30,000 at B = 64.
    (Passalis and Tefas, "Learning deep representations with probabilistic knowledge transfer",
    ECCV 2018.)

    Args:
        student_feature: shape ``[B, ...]``.
        teacher_feature: shape ``[B, ...]``.

    Returns:
        One divergence per row in nats, shape ``[B]``.
    """
    ours, theirs = (_neighbourhoods(f) for f in (student_feature, teacher_feature))
    return (theirs * ((theirs + _EPSILON) / (ours + _EPSILON)).log()).sum(1)


def _similarities(feature: Tensor) -> Tensor:
    rows = feature.flatten(1)
    return F.normalize(rows @ rows.T, dim=1)


def _distances(feature: Tensor) -> Tensor:
    rows = feature.flatten(1)
    rows = rows - rows.detach().mean(0)  # fewer digits are lost in the differences
    squares = rows.square().sum(1)
    squared = squares[:, None] + squares[None, :] - 2 * rows @ rows.T
    itself = torch.eye(len(rows), dtype=torch.bool, device=rows.device)
    # A root's slope at 0 is infinite; rows that coincide pull nowhere.
    apart = (squared > _EPSILON**2) & ~itself
    distances = torch.where(apart, torch.where(apart, squared, 1.0).sqrt(), 0.0)
    mean = distances.sum() / apart.sum().clamp(min=1)
    return distances / torch.where(mean > 0, mean, 1.0)


def _cosines(feature: Tensor) -> Tensor:
    rows = feature.flatten(1)
    towards = rows[None, :] - rows[:, None]
    squared = towards.square().sum(2, keepdim=True)
    apart = squared > _EPSILON**2  # rows that coincide show no direction, and pull nowhere
    lengths = torch.where(apart, torch.where(apart, squared, 1.0).sqrt(), torch.inf)
    towards = towards / lengths
    return towards @ towards.mT


def _neighbourhoods(feature: Tensor) -> Tensor:
    rows = F.normalize(feature.flatten(1), dim=1, eps=_EPSILON)
    nearness = (rows @ rows.T + 1) / 2
    return nearness / nearness.sum(1, keepdim=True)


class RelationTerm(LayerTerm):
    """A term over all pairs of a batch's rows.

    A term that is one value over the batch takes no account of row weights. In half precision the
    comparisons are made in single precision: differences of rows lose too many digits.

    Args:
        weight: the term's factor.
        student_layer: see `LayerTerm`.
        teacher_layer: see `LayerTerm`.
        most_rows: more rows than this, as when a whole split is judged, are compared in parts of
            nearly equal size, every n-th row in one. The value of some terms depends on how many
            rows are compared, so this wants to be the size of training's batches.

    Raises:
        ConfigError: a value out of its range.
    """

    fewest_rows = 2

    def __init__(
        self,
        weight: float,
        student_layer: Layers = "last",
        teacher_layer: Layers = "last",
        most_rows: int = 256,
    ) -> None:
        super().__init__(weight, student_layer, teacher_layer)
        most_rows = checks.whole("most_rows", most_rows, least=1)
        self.most_rows = max(most_rows, self.fewest_rows)

    def by_parts(self, loss: Callable[..., Tensor], most: int, *fields: Tensor) -> Tensor:
        """A loss over parts of at most ``most`` rows: their mean, or all rows' values.

        Args:
            loss: of fields, a value per row or one over all.
            most: rows.
            fields: shape ``[B, ...]`` each.
        """
        device = fields[0].device
        with torch.autocast(device.type, enabled=False):
            fields = tuple(_single(field) for field in fields)
            rows = len(fields[0])
            places = parts(rows, most, device)
            if len(places) == 1:
                return loss(*fields)
            values = [loss(*(field[place] for field in fields)) for place in places]
            if values[0].dim():
                return torch.cat(values)[torch.cat(places).argsort()]
            weighted = [v * len(place) for v, place in zip(values, places, strict=True)]
            return torch.stack(weighted).sum() / rows


def _single(field: Tensor) -> Tensor:
    return field.float() if field.dtype in (torch.bfloat16, torch.float16) else field


class SimilarityPreserving(RelationTerm):
    """`similarity_preserving`; see `RelationTerm` for its arguments."""

    name = "similarity"

    def compare(self, number: int, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:
        """The distance, shape ``[]``."""
        return self.by_parts(similarity_preserving, self.most_rows, student, teacher)


class Probabilistic(RelationTerm):
    """`probabilistic`; see `RelationTerm` for its arguments."""

    name = "probabilistic"

    def compare(self, number: int, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:
        """The divergence of each row, shape ``[B]``."""
        return self.by_parts(probabilistic, self.most_rows, student, teacher)


class Relational(RelationTerm):
    """`relational_distance` and `relational_angle`, each with its weight.

    Args:
        weight: the term's factor.
        student_layer: see `LayerTerm`.
        teacher_layer: see `LayerTerm`.
        distance: weight of the distances.
        angle: weight of the angles.
        most_rows: see `RelationTerm`; of the distances.
        angle_rows: as ``most_rows``, of the angles, whose cost grows with its cube: a sample of
            all triplets, as training's batches are shuffled. ``None`` takes all rows of
            ``most_rows`` at once.

    Raises:
        ConfigError: a value out of its range.
    """

    name = "relational"
    fewest_rows = 3
    distance: Tensor
    angle: Tensor

    def __init__(
        self,
        weight: float = 1.0,
        student_layer: Layers = "last",
        teacher_layer: Layers = "last",
        distance: float = 25.0,
        angle: float = 50.0,
        most_rows: int = 256,
        angle_rows: int | None = 64,
    ) -> None:
        super().__init__(weight, student_layer, teacher_layer, most_rows)
        for name, value in (("distance", distance), ("angle", angle)):
            self.knob(name, value, least=0.0)
        if angle_rows is not None:
            checks.whole("angle_rows", angle_rows, least=3)
        self.angle_rows = angle_rows or self.most_rows

    def compare(self, number: int, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:
        """Both parts, shape ``[]``."""
        distance = self.by_parts(relational_distance, self.most_rows, student, teacher)
        angle = self.by_parts(relational_angle, self.angle_rows, student, teacher)
        return self.distance * distance + self.angle * angle
