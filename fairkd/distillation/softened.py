"""Terms that soften the outputs by a temperature."""

import torch
from torch import Tensor

from fairkd import checks
from fairkd.distillation.schedule import Schedule
from fairkd.distillation.term import DistillationTerm
from fairkd.errors import ConfigError

# The power of T that multiplies the softened term.
TEMPERATURE_SCALING = {"squared": 2.0, "none": 0.0}


class SoftenedTerm(DistillationTerm):
    """A term whose outputs are divided by a temperature.

    Args:
        weight: the term's factor.
        temperature: T, softens both models' outputs, above 0.
        temperature_scaling: ``squared`` multiplies the term by T squared, which keeps the size of a
            divergence's gradient over temperatures; with ``none`` a sweep over temperatures is one
            over weights as well.
        schedule: moves T over epochs, a factor on it; ``None`` leaves it constant.

    Raises:
        ConfigError: a value out of its range.
    """

    temperature: Tensor
    scaling_power: Tensor

    def __init__(
        self,
        weight: float,
        temperature: float,
        temperature_scaling: str,
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(weight)
        self.knob("temperature", temperature, above=0.0)
        checks.choice("temperature_scaling", temperature_scaling, tuple(TEMPERATURE_SCALING))
        self.register_buffer(
            "scaling_power", torch.tensor(TEMPERATURE_SCALING[temperature_scaling])
        )
        if schedule is not None and not float(schedule.end) > 0:
            raise ConfigError(
                "temperature_schedule.end=0 leaves no temperature; accepted: above 0."
            )
        self.schedule = None if schedule is None or schedule.idle else schedule

    def softening(self, epoch: Tensor) -> tuple[Tensor, Tensor]:
        """T in this epoch, and what the term is multiplied by: T squared, or 1."""
        temperature = self.temperature
        if self.schedule is not None:
            temperature = temperature * self.schedule(epoch)
        return temperature, temperature**self.scaling_power
