"""One torch optimiser for all members of a stack, each at its own options."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from fairkd.training.stack.likeness import optimizer_options, optimizer_over
from fairkd.training.stack.member import Member

# Kernels take the last few elements of a tensor by another path, which may round differently. A
# member's share of this size has no such rest, whether it is stepped by itself or with the others.
_NO_REST = 64


@dataclass(frozen=True)
class _Unit:
    """A tensor that the optimiser steps: one member's parameter, or that of all members.

    Attributes:
        position: of the parameter.
        place: of the member; ``None`` for all of them.
        view: a leaf that shares memory with the stack.
    """

    position: int
    place: int | None
    view: Tensor

    def gradient(self, stacked: Tensor | None) -> Tensor | None:
        """Its part of the gradient ``[K, ...]``."""
        if stacked is None or self.place is None:
            return stacked
        return stacked[self.place]


class StackedOptimizer:
    """Steps a stack's weights as each member's own optimiser would.

    It is the members' torch optimiser over views of their weights, with a parameter group for each
    set of options, so nothing of its arithmetic is written anew. Where all members have the same
    options, a parameter is stepped for all of them at once.

    Args:
        members: in the order of the stack.
        trained: the stacked parameters, ``[K, ...]`` each.

    Attributes:
        optimizer: torch's.
    """

    def __init__(self, members: Sequence[Member], trained: nn.ParameterList) -> None:
        self._views = [
            [parameter.detach()[place] for parameter in trained] for place in range(len(members))
        ]
        options = [optimizer_options(member) for member in members]
        named = [repr(sorted(of.items())) for of in options]
        alike = len(set(named)) == 1
        self._units: list[_Unit] = []
        groups: dict[str, dict[str, Any]] = {}
        for place in range(len(members)):
            groups.setdefault(named[place], {**options[place], "params": []})
        for position, parameter in enumerate(trained):
            whole = parameter.detach()
            if alike and whole[0].numel() % _NO_REST == 0:
                self._add(groups[named[0]], _Unit(position, None, whole))
                continue
            for place, view in enumerate(whole.unbind()):
                self._add(groups[named[place]], _Unit(position, place, view))
        self.optimizer: Optimizer = optimizer_over(members[0], groups.values())

    def step(self, gradients: Sequence[Tensor | None], largest_norm: float | None) -> None:
        """One step.

        Args:
            gradients: of each parameter, ``[K, ...]``.
            largest_norm: each member's gradient is clipped to it; ``None`` does not clip.
        """
        if largest_norm is not None:
            self._clip(gradients, largest_norm)
        for unit in self._units:
            unit.view.grad = unit.gradient(gradients[unit.position])
        self.optimizer.step()

    def kept(
        self, places: Sequence[int], members: Sequence[Member], trained: nn.ParameterList
    ) -> "StackedOptimizer":
        """The optimiser of the members at some places, with their state.

        Args:
            places: of those that stay.
            members: they.
            trained: their stacked parameters.
        """
        smaller = StackedOptimizer(members, trained)
        for unit in smaller._units:
            states = [self._state(unit.position, place) for place in places]
            if unit.place is not None:
                smaller.optimizer.state[unit.view] = states[unit.place]
                continue
            smaller.optimizer.state[unit.view] = {
                name: torch.stack([state[name] for state in states])
                if isinstance(value, Tensor) and value.dim() > 0
                else value
                for name, value in states[0].items()
            }
        return smaller

    def _add(self, group: dict[str, Any], unit: _Unit) -> None:
        group["params"].append(unit.view)
        self._units.append(unit)

    def _state(self, position: int, place: int) -> dict[str, Any]:
        """What the optimiser remembers of one member's parameter."""
        for unit in self._units:
            if unit.position == position and unit.place in (None, place):
                state = self.optimizer.state[unit.view]
                if unit.place is not None:
                    return dict(state)
                # Of all members together; what has no axis (the count of steps) is everyone's.
                return {
                    name: value[place].clone()
                    if isinstance(value, Tensor) and value.dim() > 0
                    else value.clone()
                    if isinstance(value, Tensor)
                    else value
                    for name, value in state.items()
                }
        raise KeyError((position, place))

    def _clip(self, gradients: Sequence[Tensor | None], largest_norm: float) -> None:
        """Scale each member's gradient down to the norm, as Lightning does a lone model's."""
        for place, views in enumerate(self._views):
            for view, gradient in zip(views, gradients, strict=True):
                view.grad = None if gradient is None else gradient[place]
            torch.nn.utils.clip_grad_norm_(views, largest_norm)
