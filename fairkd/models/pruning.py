"""Make a trained model smaller: weights of small magnitude become 0, weak units are taken out."""

import copy
import math
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from fairkd.errors import ConfigError, first_line
from fairkd.models.head import linear_head

_PRUNED = (nn.Linear, nn.Conv2d)


def mask_weights(model: nn.Module, sparsity: float) -> None:
    """Hold the weights of smallest magnitude at 0, in place, until `settle`.

    One threshold for all weights of linear and convolutional layers together; biases and
    normalisation stay. What is 0 already counts, so that a second call goes on from a first one.
    (Han, Pool, Tran and Dally, "Learning both weights and connections for efficient neural
    networks", NeurIPS 2015.)

    Args:
        model: with no masks on it.
        sparsity: share of those weights that will be 0, from 0 to below 1.

    Raises:
        ConfigError: a model without such layers.
    """
    prune.global_unstructured(
        [(layer, "weight") for layer in _layers(model)],
        pruning_method=prune.L1Unstructured,
        amount=sparsity,
    )


def settle(model: nn.Module) -> None:
    """Write the zeros of `mask_weights` into the weights and take the masks off, in place."""
    for layer in _layers(model):
        if prune.is_pruned(layer):
            prune.remove(layer, "weight")  # type: ignore[no-untyped-call]


def weight_sparsity(model: nn.Module) -> float:
    """The share of weights of linear and convolutional layers that are 0."""
    weights = [layer.weight for layer in _layers(model)]
    return 1 - sum(int(w.count_nonzero()) for w in weights) / sum(w.numel() for w in weights)


def remove_units(
    model: nn.Module, example: Tensor, sparsity: float, whole: nn.Module | None = None
) -> None:
    """Take the weakest units out of every layer, in place: the model really becomes smaller.

    Units are outputs of linear layers and channels of convolutions; what is added to each other
    (as in a residual network) loses the same ones. A unit's strength is the mean squared weight of
    all that goes in and out of it. (Fang, Ma, Song, Mi and Wang, "DepGraph: towards any structural
    pruning", CVPR 2023, whose library finds what belongs together.) Of every group of a group
    normalisation equally many channels go, and at least one stays.

    Args:
        model: whose logits come from a linear layer, which keeps its outputs.
        example: some rows, shape ``[B, ...]``.
        sparsity: share of the units to take out, from 0 to below 1.
        whole: the model before any units were taken out, where some were: the share is of its.

    Raises:
        ConfigError: a model without hidden units, whose connections cannot be followed, or whose
            logits are no linear layer's; or the library is missing.
    """
    pruning = _library()
    model.eval()
    last = linear_head(model, example)
    paths = {module: path for path, module in model.named_modules()}
    try:
        graph = pruning.DependencyGraph().build_dependency(model, example_inputs=example)
        groups = list(graph.get_all_groups(ignored_layers=[last], root_module_types=_PRUNED))
        if not groups:
            raise ConfigError(
                f"{type(model).__name__} has no units between its layers to take out; use "
                "compression.granularity=weights."
            )
        strength = pruning.importance.GroupMagnitudeImportance(p=2)
        for group in groups:
            layer, remove = group[0].dep.target.module, group[0].dep.handler
            once = (whole or model).get_parameter(f"{paths[layer]}.weight").shape[0]
            weakest = _weakest(strength(group), _parts(group), once, sparsity)
            if weakest:
                graph.get_pruning_group(layer, remove, weakest).prune()
        with torch.inference_mode():
            model(example)
    except (RuntimeError, ValueError, IndexError, AttributeError, KeyError) as error:
        problem = first_line(error)
        raise ConfigError(
            f"The units of {type(model).__name__} cannot be taken out, as its connections cannot "
            f"be followed ({problem}); use compression.granularity=weights."
        ) from error


def shaped_like(model: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    """A copy of the model with the layers of another that had units taken out, and its weights.

    Args:
        model: before units were taken out.
        state: of the smaller model.
    """
    smaller = copy.deepcopy(model)
    for path, module in smaller.named_modules():
        own = (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
        for name, tensor in own:
            kept = state[f"{path}.{name}" if path else name]
            if kept.shape != tensor.shape:
                empty = torch.empty_like(kept)
                trained = isinstance(tensor, nn.Parameter)
                setattr(module, name, nn.Parameter(empty) if trained else empty)
        _tell_widths(module)
    smaller.load_state_dict(state)
    return smaller


def check_restorable(whole: nn.Module, smaller: nn.Module, example: Tensor) -> None:
    """Refuse a model that `shaped_like` would not give back as it was.

    Args:
        whole: before units were taken out.
        smaller: after.
        example: some rows, shape ``[B, ...]``.

    Raises:
        ConfigError: what comes back fails, or computes something else.
    """
    try:
        with torch.inference_mode():
            again = shaped_like(whole, smaller.state_dict()).eval()(example)
            fine = torch.equal(again, smaller.eval()(example))
    except (RuntimeError, ValueError, KeyError):
        fine = False
    if not fine:
        raise ConfigError(
            f"{type(whole).__name__} has layers whose units cannot be taken out and put back from "
            "a store; accepted: linear, convolutional and normalisation layers; use "
            "compression.granularity=weights."
        )


def _tell_widths(module: nn.Module) -> None:
    """Let a layer's own numbers say what its weights are."""
    if isinstance(module, nn.Linear):
        module.out_features, module.in_features = module.weight.shape
    elif isinstance(module, nn.Conv2d):
        if module.groups == module.in_channels == module.out_channels:  # depthwise
            module.groups = module.weight.shape[0]
        module.out_channels = module.weight.shape[0]
        module.in_channels = module.weight.shape[1] * module.groups
    elif isinstance(module, nn.GroupNorm) and module.affine:
        (module.num_channels,) = module.weight.shape
    elif isinstance(module, nn.LayerNorm) and module.elementwise_affine:
        module.normalized_shape = tuple(module.weight.shape)
    elif isinstance(module, nn.modules.batchnorm._BatchNorm) and module.affine:
        (module.num_features,) = module.weight.shape


def _weakest(strength: Tensor, parts: int, once: int, sparsity: float) -> list[int]:
    """Indices of the units to take out, equally many of each of so many equal parts.

    Args:
        strength: of the units that are there.
        parts: how many.
        once: how many units there were at first.
        sparsity: share of those to take out.
    """
    strengths = strength.detach().cpu().view(parts, -1)
    a_part = strengths.shape[1]
    # A hair below: 0.8 of 10 are 8, whatever the product's last bit says.
    kept = max(1, math.ceil(once // parts * (1 - sparsity) - 1e-9))
    weakest = strengths.argsort(dim=1, stable=True)[:, : max(0, a_part - kept)]
    firsts = torch.arange(parts)[:, None] * a_part
    return sorted((weakest + firsts).flatten().tolist())


def _parts(group: Iterable[Any]) -> int:
    """Into how many equal parts the layers of a group divide their units."""
    norms = [m for dep, _ in group if isinstance(m := dep.target.module, nn.GroupNorm)]
    return max((norm.num_groups for norm in norms), default=1)


def _layers(model: nn.Module) -> Iterator[nn.Linear | nn.Conv2d]:
    found = [module for module in model.modules() if isinstance(module, _PRUNED)]
    if not found:
        raise ConfigError(
            f"{type(model).__name__} cannot be pruned: it has no linear or convolutional layer."
        )
    return iter(found)


def _library() -> Any:
    if find_spec("torch_pruning") is None:
        raise ConfigError(
            "Taking units out needs torch-pruning, which is not installed; "
            "pip install 'fairkd[compression]', or use compression.granularity=weights."
        )
    import torch_pruning

    return torch_pruning
