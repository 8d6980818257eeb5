"""A job of a multirun before it runs, and what its sweep has at hand."""

from dataclasses import dataclass

from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig

from fairkd.job import Job
from fairkd.sweeps.compose import Composer


@dataclass(frozen=True)
class Surrounding:
    """What a sweeper has for its frame.

    Attributes:
        launcher: runs jobs.
        composer: composes them.
        master: the sweep's own configuration.
        largest_batch: so many jobs are launched at once; ``None`` for all.
    """

    launcher: Launcher
    composer: Composer
    master: DictConfig
    largest_batch: int | None = None


@dataclass(frozen=True)
class Planned:
    """A job that was composed, built and checked.

    Attributes:
        number: Hydra's number for it.
        words: its overrides.
        config: composed, with Hydra's own section.
        job: built.
    """

    number: int
    words: tuple[str, ...]
    config: DictConfig
    job: Job
