"""Keep the weights of the best epoch on validation."""

import math
from typing import Any

import pytorch_lightning as pl
from torch import Tensor

from fairkd.errors import ConfigError, unknown_name


class BestEpoch(pl.Callback):
    """Remember the weights of the epoch whose monitored value is best.

    The first of equal epochs wins; a value that is undefined (NaN) never does. The state travels in
    checkpoints, so a resumed run still knows its best epoch.

    Args:
        monitor: a value logged on validation, ``val/loss`` for instance.
        mode: ``min`` or ``max``.
    """

    def __init__(self, monitor: str, mode: str) -> None:
        self.monitor = monitor
        self.mode = mode
        self.epoch: int | None = None
        self.value: float | None = None
        self.weights: dict[str, Tensor] = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Compare this epoch with the best so far."""
        if trainer.sanity_checking:
            return
        if self.monitor not in trainer.callback_metrics:
            known = [name for name in trainer.callback_metrics if name.startswith("val/")]
            raise ConfigError(unknown_name("value in trainer.monitor", self.monitor, known))
        value = float(trainer.callback_metrics[self.monitor])
        if math.isnan(value):
            return
        if self.value is None or (value < self.value if self.mode == "min" else value > self.value):
            self.value, self.epoch = value, trainer.current_epoch
            model = pl_module.get_submodule("model")
            self.weights = {name: v.detach().clone() for name, v in model.state_dict().items()}

    def restore(self, module: pl.LightningModule) -> None:
        """Put the best weights back, once training and every other callback are done."""
        if self.weights:
            module.get_submodule("model").load_state_dict(self.weights)

    def state_dict(self) -> dict[str, Any]:
        """Everything above, for a checkpoint."""
        return {"epoch": self.epoch, "value": self.value, "weights": self.weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up a checkpoint's state."""
        self.epoch, self.value = state_dict["epoch"], state_dict["value"]
        self.weights = state_dict["weights"]
