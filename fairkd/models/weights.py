"""Weights of a model that was trained elsewhere, from a file; nothing in it is ever run."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from fairkd.errors import ConfigError

_NESTED = "state_dict"
_PREFIXES = ("model.", "module.")
_MOST_NAMED = 3


def load_weights(model: nn.Module, path: Path) -> None:
    """Put the weights of a file into the model, in place.

    Args:
        model: of the architecture that the weights belong to.
        path: ``.safetensors``, or what ``torch.save`` or Lightning wrote: a mapping of tensors, as
            it is or under ``state_dict``. Names may stand behind ``model.`` (Lightning modules) or
            ``module.``.

    Raises:
        ConfigError: the file is not there, is none of these, or belongs to another architecture.
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
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        problem = str(error).strip().partition("\n")[0].rstrip(".")
        raise ConfigError(
            f"{path} cannot be read as weights ({problem}); accepted: .safetensors, or tensors by "
            "name as torch.save writes them."
        ) from error
    nested = found.get(_NESTED, found) if isinstance(found, Mapping) else found
    tensors = isinstance(nested, Mapping) and all(isinstance(v, Tensor) for v in nested.values())
    if not tensors or not nested:
        raise ConfigError(f"{path} holds no tensors by name; accepted: a model's state_dict.")
    return dict(nested)


def _few(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
