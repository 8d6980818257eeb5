"""``hydra/launcher=stacked``: the jobs of a grid that are alike train as one program."""

from collections.abc import Sequence
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from fairkd.sweeps.settings import StackedLauncherConf


class StackedLauncher(Launcher):
    """Composes the whole grid, trains what is alike as stacks, and runs every job as Hydra does.

    Args:
        n_jobs: see `StackedLauncherConf`.
        max_stack: see `StackedLauncherConf`.
        memory_gib: see `StackedLauncherConf`.
    """

    def __init__(self, n_jobs: int | None, max_stack: int, memory_gib: float | None) -> None:
        self.n_jobs = n_jobs
        self.max_stack = max_stack
        self.memory_gib = memory_gib
        self._launch: Any = None

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Hydra tells what is to be launched."""
        from fairkd.sweeps.launching import Launch, Limits

        limits = Limits.of(self.n_jobs, self.max_stack, self.memory_gib)
        self._launch = Launch(hydra_context, task_function, config, limits)

    def warm(self, jobs: int) -> None:
        """Start the processes that so many jobs will need, so that they import meanwhile."""
        self._launch.warm(jobs)

    def begin(self, config: DictConfig) -> None:
        """Train the teacher of a job that was checked, while other jobs still are."""
        self._launch.begin(config)

    def cut(self, jobs: int) -> Any:
        """How so many jobs would be cut into pieces."""
        return self._launch.cut(jobs)

    def close(self) -> None:
        """End the processes."""
        self._launch.close()

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Run all jobs of a grid; their results come in the order of ``job_overrides``."""
        results: list[JobReturn] = self._launch(job_overrides, initial_job_idx)
        return results


ConfigStore.instance().store(
    group="hydra/launcher", name="stacked", node=StackedLauncherConf, provider="fairkd"
)
