"""Run a model and keep named intermediate features."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from fairkd.data.batch import taken
from fairkd.errors import ConfigError, unknown_name

_PLACES = {"first": 0, "last": -1}


class ModelOutputs(NamedTuple):
    """What a loss may see of a model.

    Attributes:
        logits: shape ``[B, C]``.
        features: the outputs of the recorded modules, by the names they were asked for.
    """

    logits: Tensor
    features: dict[str, Tensor]

    def rows(self, chosen: Tensor | slice) -> "ModelOutputs":
        """The outputs for the chosen rows."""
        return ModelOutputs(
            taken(self.logits, chosen),
            {name: taken(value, chosen) for name, value in self.features.items()},
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
        features: the modules to record, by path (``hidden1``, ``encoder.block2``) or as ``first``
            and ``last``: see `find_layer`.

    Raises:
        ConfigError: the model has no such module.
    """
    if not features:
        return ModelOutputs(_logits(model, x), {})
    recorded: dict[str, Tensor] = {}
    named = {name: find_layer(model, name) for name in features}
    handles = [_record(name, module, recorded) for name, module in named.items()]
    try:
        logits = _logits(model, x)
    finally:
        for handle in handles:
            handle.remove()
    return ModelOutputs(logits, recorded)


def _logits(model: nn.Module, x: Tensor) -> Tensor:
    logits = model(x)
    if not isinstance(logits, Tensor):
        raise ConfigError(
            f"{type(model).__name__} gives a {type(logits).__name__}; accepted: logits, one tensor "
            "of shape [rows, classes]."
        )
    return logits


def feature_names(model: nn.Module) -> tuple[str, ...]:
    """The paths a user may name: the model's own ``feature_names``, or every module's path."""
    declared: Iterable[str] | None = getattr(model, "feature_names", None)
    if declared is not None:
        return tuple(declared)
    return tuple(name for name, _ in model.named_modules() if name)


def find_layer(model: nn.Module, name: str) -> nn.Module:
    """The module of a path; ``first`` and ``last`` are the model's first and last named feature.

    Raises:
        ConfigError: the model has no module of that path, or names no features.
    """
    modules: dict[str, nn.Module] = dict(model.named_modules())
    declared: Sequence[str] | None = getattr(model, "feature_names", None)
    if name in _PLACES and name not in modules and declared:
        return modules[declared[_PLACES[name]]]
    if not name or name not in modules:
        kind = f"layer of {type(model).__name__}"
        raise ConfigError(unknown_name(kind, name, feature_names(model)))
    return modules[name]


def _record(name: str, module: nn.Module, into: dict[str, Tensor]) -> RemovableHandle:
    def keep(module: nn.Module, inputs: object, output: Tensor) -> None:  # noqa: ARG001
        into[name] = output

    handle: RemovableHandle = module.register_forward_hook(keep)
    return handle
