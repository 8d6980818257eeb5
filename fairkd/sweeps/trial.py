"""A job of a search and the two numbers it is judged by; what asks for such jobs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

OBJECTIVES: Mapping[str, Literal["maximize", "minimize"]] = {
    "validation/accuracy": "maximize",
    "validation/disparity": "minimize",
}
"""The metrics of a job that a search looks at, and which way is better."""


@dataclass(frozen=True)
class Trial:
    """A job that a search asked for.

    Attributes:
        words: its overrides.
        metrics: of the finished job (`fairkd.record.JobRecord.metrics`); ``None`` if it was refused
            or failed.
    """

    words: tuple[str, ...]
    metrics: Mapping[str, float] | None

    @property
    def undefined(self) -> tuple[str, ...]:
        """The objectives of a finished job that are no number."""
        found = {} if self.metrics is None else self.metrics
        return tuple(name for name in OBJECTIVES if not math.isfinite(found.get(name, 0.0)))

    @property
    def values(self) -> tuple[float, ...] | None:
        """The objectives in their order; ``None`` for a job that counts as failed."""
        if self.metrics is None or self.undefined:
            return None
        return tuple(self.metrics[name] for name in OBJECTIVES)


class Searching(Protocol):
    """What asks for jobs, batch after batch; see `fairkd.sweeps.search.Search`."""

    n_trials: int

    @property
    def texts(self) -> Mapping[str, str]:
        """What is varied, as it was given."""
        ...

    def describe(self) -> str:
        """What is searched."""
        ...

    def identity(self, first_job: str) -> str:
        """The search's name, from the key of its first job."""
        ...

    def keep(self, path: Path, identity: str) -> None:
        """Go through the steps of a journal, then write further ones into it."""
        ...

    def ask(self) -> list[tuple[str, ...]]:
        """The overrides of the next jobs; none at the end."""
        ...

    def tell(self, trials: Sequence[Trial]) -> None:
        """What became of them."""
        ...
