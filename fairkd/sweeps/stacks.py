"""What a task function offers so that its jobs can be stacked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from hydra.core.utils import JobReturn
from omegaconf import DictConfig

from fairkd.errors import FairkdError
from fairkd.sweeps.pieces import Cut, Division, Piece
from fairkd.sweeps.progress import Ticker

Known = Mapping[tuple[str, str], FairkdError]
"""Models that cannot be had, by kind and key, and why."""


@dataclass(frozen=True)
class Ahead:
    """What was trained before its jobs ran.

    Attributes:
        made: kinds and keys that were computed, and are not to be computed again in this command.
        failures: models that cannot be had.
    """

    made: frozenset[tuple[str, str]] = frozenset()
    failures: Known = field(default_factory=dict)

    def and_(self, more: "Ahead") -> "Ahead":
        """Both together."""
        return Ahead(self.made | more.made, {**self.failures, **more.failures})


@runtime_checkable
class Stacks(Protocol):
    """A task function whose jobs can be stacked. Others run one by one."""

    def composed(self, overrides: Sequence[str]) -> DictConfig | None:
        """A job's configuration, if it was composed before."""
        ...

    def divide(self, configs: Sequence[DictConfig], cut: Cut) -> Division:
        """Divide the jobs into pieces."""
        ...

    def train_ahead(
        self, piece: Piece, configs: Sequence[DictConfig], cut: Cut, before: Ahead, ticker: Ticker
    ) -> Ahead:
        """Train and keep what a piece's jobs need; in the process that does the piece."""
        ...

    def quieted(self, config: DictConfig) -> DictConfig:
        """The job's configuration with its log in its file alone: the display is the sweep's."""
        ...

    def epochs(self, division: Division, configs: Sequence[DictConfig]) -> int:
        """About how many epochs of single models the pieces train."""
        ...

    def told(self, result: JobReturn) -> str | None:
        """A sentence about a job that failed; ``None`` for one that did not."""
        ...


def stacks(task: object) -> Stacks | None:
    """The task function as one whose jobs stack, if it is one."""
    return task if isinstance(task, Stacks) else None
