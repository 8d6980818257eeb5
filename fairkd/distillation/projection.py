"""Connect a student's layer with a teacher's of another shape."""

import math

import torch
from torch import Tensor, nn

from fairkd.errors import ConfigError


class Projection(nn.Linear):
    """A learned linear map over channels: of maps, at every place alike (a 1 x 1 convolution).

    It is trained with the student and dropped with the objective.

    Args:
        source: a feature of the student, shape ``[B, C, ...]``.
        target: what it shall look like, as many dimensions; or a number of channels.
        generator: source of the initial weights, so that no global generator is drawn from.
    """

    def __init__(self, source: Tensor, target: Tensor | int, generator: torch.Generator) -> None:
        channels = target if isinstance(target, int) else target.shape[1]
        # Made without values: the layer would draw its own from the global generator.
        super().__init__(source.shape[1], channels, dtype=source.dtype, device="meta")
        self.to_empty(device=source.device)
        bound = 1 / math.sqrt(source.shape[1])
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.uniform_(-bound, bound, generator=generator)

    def forward(self, input: Tensor) -> Tensor:  # as torch names it
        """Channels mapped, shape ``[B, C', ...]``."""
        if input.dim() == 2:
            return super().forward(input)
        return super().forward(input.movedim(1, -1)).movedim(-1, 1)


def same_extent(ours: Tensor, theirs: Tensor) -> tuple[Tensor, Tensor]:
    """Both maps at the smaller one's height and width, the larger averaged over places.

    Features without places stay as they are.
    """
    if ours.dim() != 4 or ours.shape[2:] == theirs.shape[2:]:
        return ours, theirs
    height, width = (min(a, b) for a, b in zip(ours.shape[2:], theirs.shape[2:], strict=True))
    return _averaged(ours, height, width), _averaged(theirs, height, width)


def _averaged(maps: Tensor, height: int, width: int) -> Tensor:
    """The means over places that adaptive pooling takes, whose gradient on a GPU is not exact."""
    if maps.shape[2:] == (height, width):
        return maps
    rows = _means(maps.shape[2], height, maps)
    columns = _means(maps.shape[3], width, maps)
    return rows @ maps @ columns.T


def _means(large: int, small: int, like: Tensor) -> Tensor:
    """A matrix of means of neighbours, shape ``[small, large]``."""
    place = torch.arange(large, device=like.device)
    cell = torch.arange(small, device=like.device)[:, None]
    first = cell * large // small
    last = -(-(cell + 1) * large // small)
    inside = ((place >= first) & (place < last)).to(like.dtype)
    return inside / inside.sum(1, keepdim=True)


def check_alike(term: str, ours: Tensor, theirs: Tensor) -> None:
    """Refuse a pair of layers of which one has places and the other has none.

    Raises:
        ConfigError: they cannot be connected.
    """
    if ours.dim() != theirs.dim() or ours.dim() not in (2, 4):
        raise ConfigError(
            f"distillation={term} connects rows of shape {list(ours.shape[1:])} of the student and "
            f"{list(theirs.shape[1:])} of the teacher; accepted: both flat, or both [C, H, W]: "
            f"name other layers in distillation.terms.{term}.student_layer and teacher_layer."
        )


def check_flat(term: str, ours: Tensor, theirs: Tensor) -> None:
    """Refuse layers with places.

    Raises:
        ConfigError: a layer whose rows are not vectors.
    """
    for role, feature in (("student", ours), ("teacher", theirs)):
        if feature.dim() != 2:
            raise ConfigError(
                f"distillation={term} compares vectors, and distillation.terms.{term}.{role}_layer "
                f"gives rows of shape {list(feature.shape[1:])}; name a flat layer."
            )
