"""What every step of an epoch gave, until the epoch's means are taken."""

from collections.abc import Mapping

import torch
from torch import Tensor

_ROOM = 1_024


class StepValues:
    """Values of steps by name, each name's in one tensor.

    Kept one by one, as many small tensors as there are steps would lie between the layers' freed
    memory and split it, so that an epoch of many steps took more and more of it.
    """

    def __init__(self) -> None:
        self._rooms: dict[str, Tensor] = {}
        self._steps = 0

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Add a step: the same names at every one, one number each."""
        for name, value in values.items():
            room = self._rooms.get(name)
            if room is None:
                room = self._rooms[name] = value.new_empty(_ROOM)
            elif self._steps == len(room):
                room = self._rooms[name] = torch.cat([room, torch.empty_like(room)])
            room[self._steps] = value.detach()
        self._steps += 1

    def means(self) -> dict[str, Tensor]:
        """The mean of each name over the steps so far."""
        return {name: room[: self._steps].mean() for name, room in self._rooms.items()}

    def listed(self) -> list[dict[str, Tensor]]:
        """The steps one by one, as `add` took them, in tensors of their own."""
        return [
            {name: room[step].clone() for name, room in self._rooms.items()}
            for step in range(self._steps)
        ]
