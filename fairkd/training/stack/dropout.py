"""Dropout in a stack: every member drops what it would have dropped alone."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fairkd.errors import ConfigError


class GivenDropout(nn.Module):
    """Dropout whose mask, already divided by the probability of keeping, comes from outside.

    Attributes:
        mask: shape of the input; set anew for every step.
    """

    mask: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mask", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """The kept units, scaled; everything, in evaluation mode."""
        return x * self.mask if self.training else x


class DropoutMasks:
    """Draw every member's masks from a generator of its own, in the order a lone model would.

    On a CPU, `torch.nn.Dropout` draws one Bernoulli tensor from the global generator for each call;
    a lone model's run seeds that generator with its seed.

    Args:
        model: one member's model; its dropout layers say where masks are needed.
        seeds: one for each member.

    Raises:
        ConfigError: a layer is used more than once in a forward pass.
    """

    def __init__(self, model: nn.Module, seeds: Sequence[int]) -> None:
        self._model = model
        self._layers = {
            name: module
            for name, module in model.named_modules()
            if isinstance(module, nn.Dropout) and module.p > 0
        }
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._calls: dict[torch.Size, dict[str, torch.Size]] = {}

    @property
    def paths(self) -> list[str]:
        """The dropout layers' paths in the model."""
        return list(self._layers)

    def keep(self, places: Sequence[int]) -> None:
        """Drop every member but those at the given places."""
        self._generators = [self._generators[place] for place in places]

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """The next masks by layer, shape ``[K, B, ...]``.

        Args:
            x: one member's batch of features, for its shape and type.
        """
        if not self._layers:
            return {}
        shapes = self._shapes(x)
        drawn: dict[str, list[Tensor]] = {name: [] for name in shapes}
        for generator in self._generators:
            for name, shape in shapes.items():
                kept = 1 - self._layers[name].p
                mask = torch.empty(shape, dtype=x.dtype)
                drawn[name].append(mask.bernoulli_(kept, generator=generator).div_(kept))
        return {name: torch.stack(masks).to(x.device) for name, masks in drawn.items()}

    def _shapes(self, x: Tensor) -> dict[str, torch.Size]:
        """The input shape of each dropout layer, in the order of their calls."""
        if x.shape not in self._calls:
            calls: list[tuple[str, torch.Size]] = []
            handles = [
                module.register_forward_pre_hook(
                    lambda _, inputs, name=name: calls.append((name, inputs[0].shape))
                )
                for name, module in self._layers.items()
            ]
            was_training = self._model.training
            try:
                with torch.no_grad():
                    self._model.eval()(x)
            finally:
                self._model.train(was_training)
                for handle in handles:
                    handle.remove()
            if len(calls) > len(dict(calls)):
                raise ConfigError("A dropout layer that is used twice does not stack.")
            self._calls[x.shape] = dict(calls)
        return self._calls[x.shape]


def with_given_dropout(model: nn.Module, paths: Sequence[str]) -> None:
    """Put `GivenDropout` in the place of the dropout layers of a model."""
    for path in paths:
        parent, _, name = path.rpartition(".")
        setattr(model.get_submodule(parent), name, GivenDropout())
