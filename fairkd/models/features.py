"""Run a model and keep named intermediate features."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from fairkd.errors import ConfigError, unknown_name


class ModelOutputs(NamedTuple):
    """What a loss may see of a model.

    Attributes:
        logits: shape ``[B, C]``.
        features: the outputs of the recorded modules, by module path.
    """

    logits: Tensor
    features: dict[str, Tensor]

    def rows(self, chosen: Tensor) -> "ModelOutputs":
        """The outputs for the chosen rows."""
        return ModelOutputs(
            self.logits[chosen], {name: value[chosen] for name, value in self.features.items()}
        )

    def to(self, device: torch.device | torch.dtype) -> "ModelOutputs":
        """The same outputs on a device, or of a type."""
        return ModelOutputs(
            self.logits.to(device),
            {name: value.to(device) for name, value in self.features.items()},
        )


def run(model: nn.Module, x: Tensor, features: Sequence[str] = ()) -> ModelOutputs:
    """The model's logits and the outputs of the named modules.

    Args:
        model: maps ``x`` to logits, shape ``[B, C]``.
        x: features, shape ``[B, ...]``.
        features: paths of the modules to record (``hidden1``, ``encoder.block2``).

    Raises:
        ConfigError: the model has no module of that path.
    """
    if not features:
        return ModelOutputs(model(x), {})
    recorded: dict[str, Tensor] = {}
    named = {name: _module(model, name) for name in features}
    handles = [_record(name, module, recorded) for name, module in named.items()]
    try:
        logits = model(x)
    finally:
        for handle in handles:
            handle.remove()
    return ModelOutputs(logits, recorded)


def feature_names(model: nn.Module) -> tuple[str, ...]:
    """The paths a user may name: the model's own ``feature_names``, or every module's path."""
    declared: Iterable[str] | None = getattr(model, "feature_names", None)
    if declared is not None:
        return tuple(declared)
    return tuple(name for name, _ in model.named_modules() if name)


def _module(model: nn.Module, name: str) -> nn.Module:
    modules: dict[str, nn.Module] = dict(model.named_modules())
    if not name or name not in modules:
        kind = f"layer of {type(model).__name__}"
        raise ConfigError(unknown_name(kind, name, feature_names(model)))
    return modules[name]


def _record(name: str, module: nn.Module, into: dict[str, Tensor]) -> RemovableHandle:
    def keep(module: nn.Module, inputs: object, output: Tensor) -> None:  # noqa: ARG001
        into[name] = output

    handle: RemovableHandle = module.register_forward_hook(keep)
    return handle
