"""One member's way through training: its epochs, its best one, and how it ended."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from fairkd.errors import ConfigError, FairkdError, unknown_name
from fairkd.training.candidates import OFFERED, Candidates
from fairkd.training.fit import Fitted, TrainerSettings, never_a_number
from fairkd.training.modules import DivergedError, check_finite


class Course:
    """What `BestEpoch`, Lightning's early stopping and the lone module do for a model, for one
    member of a stack.

    Args:
        settings: the member's.
        certified: whether its epochs are to be tested.

    Attributes:
        candidates: the epochs to be tested; ``None`` where none are.
        error: why it failed; ``None`` while it has not.
        running: whether it still learns.
        weights: of its best epoch so far, by name in its model.
    """

    def __init__(self, settings: TrainerSettings, certified: bool) -> None:
        self._settings = settings
        self.candidates = Candidates() if certified else None
        self._history: list[dict[str, float]] = []
        self._row: dict[str, float] = {}
        self._best: tuple[int, float] | None = None
        self._last_best: float | None = None
        self._waited = 0
        self.weights: dict[str, Tensor] = {}
        self.error: FairkdError | None = None
        self.running = True

    def validated(
        self, epoch: int, values: Mapping[str, float], weights: Mapping[str, Tensor]
    ) -> None:
        """Take the epoch's validation values; copy the weights if it is the best so far."""
        self._row = {f"val/{name}": value for name, value in values.items()}
        monitor = self._settings.monitor
        if monitor not in self._row:
            self._fail(ConfigError(unknown_name("value in trainer.monitor", monitor, self._row)))
            return
        if self.candidates is not None:
            offered = {name: _as_monitored(self._row[name]) for name in OFFERED}
            self.candidates.offer(epoch, offered, weights)
        value = _as_monitored(self._row[monitor])
        if not math.isnan(value) and (self._best is None or self._better(value, self._best[1])):
            self._best = (epoch, value)
            self.weights = {name: weight.clone() for name, weight in weights.items()}

    def trained(self, epoch: int, values: Mapping[str, float]) -> None:
        """Take the epoch's training values, and end where the member stops or fails."""
        if not self.running:
            return
        self._row |= {f"train/{name}": value for name, value in values.items()}
        try:
            check_finite(epoch, self._row)
        except DivergedError as error:
            self._fail(error)
            return
        self._history.append({"epoch": float(epoch), **self._row})
        if self._settings.patience is not None and self._has_waited(self._settings.patience):
            self.running = False

    def fitted(self) -> Fitted:
        """What training leaves beside the weights.

        Raises:
            FairkdError: the member failed.
        """
        if self.error is not None:
            raise self.error
        if self._best is None:
            raise never_a_number(self._settings.monitor)
        return Fitted(self._history, self._best[0])

    def _has_waited(self, patience: int) -> bool:
        value = _as_monitored(self._row[self._settings.monitor])
        if not math.isnan(value) and (
            self._last_best is None or self._better(value, self._last_best)
        ):
            self._last_best, self._waited = value, 0
            return False
        self._waited += 1
        return self._waited >= patience

    def _better(self, value: float, than: float) -> bool:
        return value < than if self._settings.mode == "min" else value > than

    def _fail(self, error: FairkdError) -> None:
        self.error = error
        self.running = False


def _as_monitored(value: float) -> float:
    """The value as callbacks see it: Lightning keeps what is logged in the default type."""
    return float(torch.tensor(value, dtype=torch.get_default_dtype()))
