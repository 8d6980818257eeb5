"""Weights of a model that was trained elsewhere, from a file; nothing in it is ever run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from fairkd.errors import ConfigError

_NESTED = ("state_dict", "model_state_dict", "model")
_PREFIXES = ("model.", "module.", "_orig_mod.")
_MOST_NAMED = 3


def load_weights(model: nn.Module, path: Path) -> None:
    """Put the weights of a file into the model, in place.

    Args:
        model: of the architecture that the weights belong to.
        path: ``.safetensors``, or what ``torch.save`` or Lightning wrote: a mapping of tensors, as
            it is or under ``state_dict`` or ``model``. Names may stand behind ``model.`` (Lightning
            modules), ``module.`` (parallel ones) or ``_orig_mod.`` (compiled ones).

    Raises:
        ConfigError: the file is not there, is none of these, belongs to another architecture, or
            holds weights that are no finite numbers.
    """
    state = _read(path)
    expected = model.state_dict()
    for prefix in _PREFIXES:
        stripped = {
            name.removeprefix(prefix): value
            for name, value in state.items()
            if name.startswith(prefix)
        }
        if set(expected) <= set(stripped) and not set(expected) <= set(state):
            state = stripped
    kind = type(model).__name__
    missing = [name for name in expected if name not in state]
    if missing:
        raise ConfigError(
            f"{path} has no weights for {_few(missing)} of {kind} (it has {_few(sorted(state))}); "
            "give the model that was trained there."
        )
    unknown = sorted(set(state) - set(expected))
    if unknown:
        raise ConfigError(
            f"{path} has weights for {_few(unknown)}, which {kind} does not have; give the model "
            "that was trained there."
        )
    for name, value in expected.items():
        if state[name].shape != value.shape:
            raise ConfigError(
                f"{path} has {name} of shape {list(state[name].shape)}, and that of {kind} is "
                f"{list(value.shape)}; give the model, and the columns, of the training."
            )
        if state[name].is_floating_point() != value.is_floating_point():
            raise ConfigError(
                f"{path} has {name} as {state[name].dtype}, and that of {kind} is {value.dtype}; "
                "give weights as they were trained."
            )
        if not bool(state[name].isfinite().all()):
            raise ConfigError(
                f"{path} has values in {name} that are no finite numbers; its training diverged, "
                "give another file."
            )
    model.load_state_dict(state)


def _read(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise ConfigError(f"{path} is no file; give one with a trained model's weights.")
    try:
        found: Any = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except Exception as error:  # whatever a reader meets in a file that is something else
        raise ConfigError(
            f"{path} cannot be read as weights; accepted: .safetensors, or tensors by name as "
            "torch.save writes them, with nothing that would have to be run."
        ) from error
    for name in _NESTED:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
            break
    tensors = isinstance(found, Mapping) and all(
        isinstance(name, str) and isinstance(value, Tensor) and value.layout == torch.strided
        for name, value in found.items()
    )
    if not tensors or not found:
        raise ConfigError(f"{path} holds no dense tensors by name; accepted: a model's state_dict.")
    return dict(found)


def _few(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
