"""Which models can share a stack: those that differ in tensors and optimiser options alone."""

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from fairkd.models.classifier import Classifier
from fairkd.models.ensemble import Ensemble
from fairkd.training.fit import TrainerSettings
from fairkd.training.stack.member import Member

# They treat each parameter by itself and take every option by parameter group, so that members
# keep their own options and their own state.
OPTIMIZERS = (
    torch.optim.SGD,
    torch.optim.Adam,
    torch.optim.AdamW,
    torch.optim.NAdam,
    torch.optim.RAdam,
    torch.optim.Adamax,
    torch.optim.Adagrad,
    torch.optim.Adadelta,
    torch.optim.RMSprop,
)
# Why members of an exact stack are left to train one by one.
OTHER_BITS = "in a stack its kernels round differently"
_PRECISIONS = ("32-true", "64-true")
_OF_EVERY_MODULE = frozenset(vars(nn.Module()))
_MEMBERS_OWN = ("optimizer", "progress")


def obstacle(member: Member) -> str | None:
    """Why this member has to train alone, in a few words; ``None`` if it can share a stack."""
    settings = member.settings
    maker = settings.optimizer
    if isinstance(member.model, Classifier):
        return "it is fitted at once"
    if isinstance(member.model, Ensemble):
        return "it is several models"
    if member.callbacks:
        return "it has callbacks of its own"
    if settings.augmentation:
        return "its rows are augmented"
    if settings.lightning:
        return f"trainer.lightning.{next(iter(settings.lightning))} is set"
    if settings.devices not in (1, "1", "auto"):
        return "it asks for several devices"
    if settings.precision not in _PRECISIONS:
        return f"trainer.precision={settings.precision} does not stack"
    if not isinstance(maker, functools.partial) or maker.func not in OPTIMIZERS or maker.args:
        name = getattr(getattr(maker, "func", maker), "__name__", "its optimiser")
        return f"the optimiser {name} does not stack"
    return _of_model(member.model) or _of_state(member) or _of_rounding(member)


def likeness(member: Member) -> tuple[object, ...]:
    """What members of one stack have in common; equal for members that can share one.

    Equality means something within one process only.
    """
    train = member.dataset.splits["train"]
    return (
        _structure(member.model),
        _structure(member.objective),
        _partial(member).func,
        _settings(member.settings),
        tuple((tuple(field.shape), str(field.dtype)) for field in train),
        repr(member.dataset.blocks),
        len(member.dataset.classes),
        _teacher(member),
        member.exact,
    )


def optimizer_options(member: Member) -> Mapping[str, Any]:
    """The options of a member's optimiser, each of which may differ between members.

    Raises:
        TypeError: the optimiser is no partial call (see `obstacle`).
    """
    return _partial(member).keywords


def optimizer_over(member: Member, groups: Iterable[Mapping[str, Any]]) -> Optimizer:
    """A member's optimiser over parameter groups, its own options standing for those left out."""
    maker = _partial(member)
    optimizer: Optimizer = maker.func(list(groups), **maker.keywords)
    return optimizer


def _partial(member: Member) -> functools.partial[Any]:
    maker = member.settings.optimizer
    if not isinstance(maker, functools.partial):
        raise TypeError(f"{maker} has no options to read.")
    return maker


def _of_model(model: nn.Module) -> str | None:
    for module in model.modules():
        kind = type(module).__name__
        if isinstance(module, nn.modules.dropout._DropoutNd) and type(module) is not nn.Dropout:
            return f"its layer {kind} draws random numbers of its own"
        if next(module.buffers(recurse=False), None) is not None:
            return f"its layer {kind} keeps a running state"
    return None


def _of_state(member: Member) -> str | None:
    for root in (member.model, member.objective):
        for module in root.modules():
            for name, value in _own(module):
                if isinstance(value, Tensor):
                    kind = type(module).__name__
                    return f"{kind}.{name} is a tensor but neither a parameter nor a buffer"
    return None


def _of_rounding(member: Member) -> str | None:
    exactly = all(term.stacks_exactly for term in member.objective.named_terms.values())
    return OTHER_BITS if member.exact and not exactly else None


def _structure(root: nn.Module) -> tuple[object, ...]:
    """Everything of a module but the values of its tensors."""
    return tuple(
        (
            path,
            type(module),
            tuple((name, repr(value)) for name, value in _own(module)),
            tuple(_shapes(module)),
        )
        for path, module in root.named_modules()
    )


def _own(module: nn.Module) -> Iterator[tuple[str, object]]:
    """The attributes that a module's class gave it."""
    return ((name, v) for name, v in sorted(vars(module).items()) if name not in _OF_EVERY_MODULE)


def _shapes(module: nn.Module) -> Iterator[tuple[object, ...]]:
    for name, value in module.named_parameters(recurse=False):
        yield name, tuple(value.shape), value.dtype, value.requires_grad
    for name, buffer in module.named_buffers(recurse=False):
        yield name, tuple(buffer.shape), buffer.dtype


def _settings(settings: TrainerSettings) -> tuple[object, ...]:
    return tuple(
        repr(getattr(settings, field.name))
        for field in fields(settings)
        if field.name not in _MEMBERS_OWN
    )


def _teacher(member: Member) -> tuple[object, ...] | None:
    if member.teacher is None:
        return None
    outputs = member.teacher["train"]
    features: Mapping[str, Tensor] = {"": outputs.logits, **outputs.features}
    return tuple((name, tuple(value.shape[1:]), value.dtype) for name, value in features.items())
