"""A small network that guesses the group: the adversary's own."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn


class GroupPredictor(nn.Module):
    """A multilayer perceptron with at most one hidden layer, or a linear model.

    Args:
        features: the width of its input.
        cells: G.
        hidden: units of the hidden layer; 0: it is linear.
        generator: source of the initial weights, so that no global generator is drawn from.
        like: a tensor of the type and on the device of the weights.
    """

    def __init__(
        self, features: int, cells: int, hidden: int, generator: torch.Generator, like: Tensor
    ) -> None:
        super().__init__()
        widths = [features, hidden, cells] if hidden else [features, cells]
        self.layers = nn.ModuleList(
            # Made without values: the layers would draw their own from the global generator.
            nn.Linear(ours, theirs, dtype=like.dtype, device="meta").to_empty(device=like.device)
            for ours, theirs in pairwise(widths)
        )
        with torch.no_grad():
            for layer, width in zip(self.layers, widths, strict=False):
                for parameter in layer.parameters():
                    bound = 1 / math.sqrt(width)
                    parameter.uniform_(-bound, bound, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """A logit of each cell, shape ``[B, G]``."""
        *hidden, last = self.layers
        for layer in hidden:
            x = layer(x).relu()
        logits: Tensor = last(x)
        return logits
