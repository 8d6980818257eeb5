"""Launchers whose processes are started early, to import while the sweep is still being planned."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig

from fairkd.sweeps.pieces import Cut


@runtime_checkable
class Warm(Protocol):
    """A launcher that starts its processes early, and says how large stacks may be."""

    def warm(self, jobs: int) -> None:
        """Start what so many jobs will need."""
        ...

    def begin(self, config: DictConfig) -> None:
        """Train the teacher of a job that was checked, while other jobs still are."""
        ...

    def cut(self, jobs: int) -> Cut:
        """How so many jobs would be cut into pieces."""
        ...

    def close(self) -> None:
        """End what was started."""
        ...


@contextmanager
def warmed(launcher: Launcher, jobs: int) -> Iterator[None]:
    """The launcher's processes, from now until all jobs are done."""
    if not isinstance(launcher, Warm):
        yield
        return
    launcher.warm(jobs)
    try:
        yield
    finally:
        launcher.close()
