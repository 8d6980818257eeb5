"""Three terms as one writes them down with batched products: what fairkd's are timed beside."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from fairkd.distillation.attention import neuron_selectivity
from fairkd.distillation.contrastive import contrastive
from fairkd.distillation.relation import relational_angle, relational_distance

_TAU = 0.07
_MEMORY = 1024

Pair = tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]


def pairs(rows: int) -> dict[str, tuple[tuple[int, ...], Pair]]:
    """By name: the shape of both features, and fairkd's term beside the batched formulation.

    Args:
        rows: in a batch.
    """
    generator = torch.Generator().manual_seed(1)
    memory = F.normalize(torch.randn(_MEMORY, 128, generator=generator), dim=1)
    same = torch.zeros(rows, _MEMORY, dtype=torch.bool)
    noise, tau = torch.tensor(7.0), torch.tensor(_TAU)

    def ours(student: Tensor, teacher: Tensor) -> Tensor:
        return contrastive(_unit(student), _unit(teacher), memory, same, noise, tau).mean()

    def batched(student: Tensor, teacher: Tensor) -> Tensor:
        return contrastive_batched(_unit(student), _unit(teacher), memory, noise.exp())

    def of_rows(student: Tensor, teacher: Tensor) -> Tensor:
        return neuron_selectivity(student, teacher).mean()

    return {
        "neuron selectivity, 64 x 4 x 4": ((64, 4, 4), (of_rows, selectivity_batched)),
        "neuron selectivity, 16 x 16 x 16": ((16, 16, 16), (of_rows, selectivity_batched)),
        "relational distances, 64": ((64,), (relational_distance, distances_batched)),
        "relational angles, 64": ((64,), (relational_angle, angles_batched)),
        "contrastive, 128, 1024 negatives": ((128,), (ours, batched)),
    }


def selectivity_batched(student: Tensor, teacher: Tensor) -> Tensor:
    """The kernel (a^T b)^2 over all pairs of channels, one batched product for each of three."""
    ours, theirs = (F.normalize(f.flatten(2), dim=2) for f in (student, teacher))

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return torch.bmm(a, b.transpose(1, 2)).pow(2).mean()

    return kernel(ours, ours) + kernel(theirs, theirs) - 2 * kernel(ours, theirs)


def distances_batched(student: Tensor, teacher: Tensor) -> Tensor:
    """Pairwise distances over the mean of those above 0."""

    def relative(rows: Tensor) -> Tensor:
        squares = rows.pow(2).sum(1)
        squared = (squares[:, None] + squares[None, :] - 2 * rows @ rows.T).clamp(min=1e-12)
        distances = squared.sqrt() * (1 - torch.eye(len(rows)))
        return distances / distances[distances > 0].mean()

    return F.smooth_l1_loss(relative(student), relative(teacher))


def angles_batched(student: Tensor, teacher: Tensor) -> Tensor:
    """Unit differences of all pairs, and one batched product of them at each row."""

    def cosines(rows: Tensor) -> Tensor:
        towards = F.normalize(rows.unsqueeze(0) - rows.unsqueeze(1), p=2.0, dim=2)
        return torch.bmm(towards, towards.transpose(1, 2)).view(-1)

    return F.smooth_l1_loss(cosines(student), cosines(teacher))


def contrastive_batched(anchor: Tensor, positive: Tensor, memory: Tensor, noise: Tensor) -> Tensor:
    """One product with all negatives, and logarithms of the probabilities themselves."""
    of_positive = ((anchor * positive).sum(1) / _TAU).exp()
    of_negatives = (anchor @ memory.T / _TAU).exp()
    found = (of_positive / (of_positive + noise)).clamp(min=1e-30).log()
    rejected = (noise / (of_negatives + noise)).log().sum(1)
    return -(found + rejected).mean()


def _unit(rows: Tensor) -> Tensor:
    return F.normalize(rows, dim=1)
