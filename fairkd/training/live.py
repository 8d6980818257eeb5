"""Ask a teacher for outputs on rows that it has not seen."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fairkd.models.features import ModelOutputs, run


class LiveTeacher:
    """A frozen copy of a teacher, for rows whose outputs could not be computed beforehand.

    It is no part of the module that asks it: neither its parameters, nor its state, nor its
    checkpoint hold the teacher. Its precision is its own, as it is for outputs that are computed
    once, whatever the student trains in.

    Args:
        model: the trained teacher; left as it is.
        features: module paths to record.
    """

    def __init__(self, model: nn.Module, features: Sequence[str] = ()) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.features = tuple(features)
        floating = (value.dtype for value in model.parameters() if value.is_floating_point())
        self._dtype = next(floating, torch.float32)

    def to(self, device: torch.device) -> None:
        """Bring the copy to a device."""
        self.model.to(device)

    def __call__(self, x: Tensor) -> ModelOutputs:
        """Logits and features of these rows, without gradient.

        Args:
            x: shape ``[B, ...]``.
        """
        with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
            return run(self.model, x.to(self._dtype), self.features)
