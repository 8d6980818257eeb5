"""A Lightning logger that writes into a run somebody else opened and will close."""

import logging
import time
from typing import Any

from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities import rank_zero_only

from fairkd.errors import TrackingError
from fairkd.tracking.interface import Run

_log = logging.getLogger(__name__)


class RunLogger(Logger):
    """Collects a Trainer's metrics by epoch and writes them to a run a few times a minute.

    Hyperparameters are not its business: the run has the whole configuration already.

    Args:
        run: the open run.
        every: the seconds between two writes, at the least.
    """

    def __init__(self, run: Run, every: float = 10.0) -> None:
        super().__init__()
        self._run = run
        self._every = every
        self._rows: list[dict[str, float]] = []
        self._written = time.monotonic()

    @property
    def name(self) -> str:
        """The kind of logger."""
        return "fairkd"

    @property
    def version(self) -> str:
        """The run's id."""
        return self._run.run_id

    @property
    def experiment(self) -> Run:
        """The run."""
        return self._run

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Keep the values for the next write; without an ``epoch``, the step stands for it.

        Raises:
            TrackingError: it was time to write, and they cannot be written.
        """
        self._rows.append({"epoch": float(step or 0), **metrics})
        if time.monotonic() - self._written >= self._every:
            self.flush()

    @rank_zero_only
    def flush(self) -> None:
        """Write what was collected.

        Raises:
            TrackingError: it cannot be written.
        """
        self._written = time.monotonic()
        rows, self._rows = self._rows, []
        if rows:
            self._run.log_history(rows)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write the rest. After a failed fit, trouble with writing does not hide the failure.

        Raises:
            TrackingError: the fit succeeded, and the rest cannot be written.
        """
        try:
            self.flush()
        except TrackingError as trouble:
            if status == "success":
                raise
            _log.warning("The last epochs' metrics are not in the run: %s", trouble)
