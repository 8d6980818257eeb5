"""A model's last linear layer: the one that makes the logits."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from fairkd.errors import ConfigError

FEW_ROWS = 64
"""Rows that show which layer the last one is."""


def linear_head(model: nn.Module, x: Tensor) -> nn.Linear:
    """The linear layer whose outputs are the model's logits, and that serves nothing else.

    Args:
        model: maps ``x`` to logits, shape ``[B, C]``; it is on the device of ``x``.
        x: rows; the model runs on the first few of them.

    Raises:
        ConfigError: the logits are no linear layer's outputs as they are; or the layer is called
            more than once, or shares its weights.
    """
    outputs: dict[str, list[tuple[Tensor, Tensor]]] = {}

    def noting(name: str) -> Callable[..., None]:
        def note(module: nn.Module, inputs: object, output: Tensor) -> None:  # noqa: ARG001
            outputs.setdefault(name, []).append((output, output.clone()))

        return note

    # A subclass, as a parametrised layer is one, may have no weight of its own to set.
    linear = {name: m for name, m in model.named_modules() if type(m) is nn.Linear}
    handles = [layer.register_forward_hook(noting(name)) for name, layer in linear.items()]
    was_training = model.training
    try:
        with torch.no_grad():
            logits = model.eval()(x[:FEW_ROWS])
    finally:
        model.train(was_training)
        for handle in handles:
            handle.remove()
    for name, calls in outputs.items():
        for output, as_it_was in calls:
            # In place, an activation would leave the same tensor with other values.
            if output is logits and torch.equal(logits, as_it_was):
                return _sole(model, name, linear[name], len(calls))
    raise ConfigError(
        f"{type(model).__name__} has no linear last layer, whose outputs are its logits as they "
        "are; accepted: models that end in a torch.nn.Linear (mlp, linear, convnet, resnet)."
    )


def _sole(model: nn.Module, name: str, layer: nn.Linear, calls: int) -> nn.Linear:
    own = {id(parameter) for parameter in layer.parameters()}
    everywhere = [id(p) for _, p in model.named_parameters(remove_duplicate=False)]
    if calls > 1 or sum(one in own for one in everywhere) > len(own):
        raise ConfigError(
            f"{type(model).__name__} uses its last layer '{name}' in several places; accepted: "
            "models whose last layer serves the logits alone."
        )
    return layer
