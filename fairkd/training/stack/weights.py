"""The members' tensors side by side, and each member's own view of them."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from fairkd.training.stack.member import Step, trained_names


class StackedWeights(nn.Module):
    """All tensors of K alike modules, each with a leading axis K.

    Args:
        steps: the members' modules; their tensors are copied.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        super().__init__()
        self.names = trained_names(steps[0])
        named = [{**dict(step.named_parameters()), **dict(step.named_buffers())} for step in steps]
        self.constant_names = [name for name in named[0] if name not in self.names]
        self.trained = nn.ParameterList(
            nn.Parameter(torch.stack([of[name].detach() for of in named])) for name in self.names
        )
        self.constant = nn.ParameterList(
            nn.Parameter(torch.stack([of[name].detach() for of in named]), requires_grad=False)
            for name in self.constant_names
        )

    @property
    def size(self) -> int:
        """How many members there are."""
        return len(next(iter(self.trained)))

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor by its name in one member's module."""
        return dict(zip(self.names, self.trained, strict=True)) | dict(
            zip(self.constant_names, self.constant, strict=True)
        )

    def put(self, state: Mapping[str, Tensor]) -> None:
        """Put new values of untrained tensors, shape ``[K, ...]``, into place."""
        for name, value in state.items():
            self.constant[self.constant_names.index(name)].data.copy_(value)

    def views(self, place: int) -> dict[str, Tensor]:
        """One member's tensors: leaves that share memory with the stack."""
        return {name: value.detach()[place] for name, value in self.tensors().items()}

    def keep(self, places: Tensor) -> None:
        """Drop every member but those at the given places."""
        for tensors in (self.trained, self.constant):
            for position, value in enumerate(tensors):
                kept = value.detach()[places.to(value.device)].clone()
                tensors[position] = nn.Parameter(kept, requires_grad=value.requires_grad)
