"""Hyperparameters as tensors, which a stack of models can vary."""

import torch
from torch import nn

from fairkd import checks


class Knobs(nn.Module):
    """A module whose hyperparameters are buffers, never numbers frozen into code."""

    def knob(self, name: str, value: float, **bounds: float) -> None:
        """Keep a hyperparameter as a buffer.

        Args:
            name: of the buffer, and of the argument in a refusal.
            value: given.
            bounds: ``above``, ``least`` and ``most``, as `fairkd.checks.number` takes them.

        Raises:
            ConfigError: no number within the bounds.
        """
        self.register_buffer(name, torch.tensor(checks.number(name, value, **bounds)))
