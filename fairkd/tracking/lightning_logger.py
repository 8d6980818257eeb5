"""A Lightning logger that writes into a run somebody else opened and will close."""

from typing import Any

from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities import rank_zero_only

from fairkd.tracking.interface import Run


class RunLogger(Logger):
    """Hands a Trainer's metrics to a run, which decides how often it is written.

    Hyperparameters are not its business: the run has the whole configuration already. Nor is the
    end: whoever opened the run sees to it that everything is written.

    Args:
        run: the open run.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

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
        """Values of one epoch; without an ``epoch``, the step stands for it.

        Raises:
            TrackingError: it was time to write, and they cannot be written.
        """
        self._run.log_history([{"epoch": float(step or 0), **metrics}])
