"""The sections ``hydra.launcher`` and ``hydra.sweeper`` of the configuration.

They stand here, and not beside the plugins that they are for, because launchers of others send a
job's configuration to processes that can import fairkd, and find its plugins only then.
"""

from dataclasses import dataclass, field

_PLUGINS = "hydra_plugins.fairkd_sweeps"


@dataclass
class StackedLauncherConf:
    """The section of ``hydra/launcher=stacked``.

    Attributes:
        n_jobs: processes of one thread each; ``null``: one for every 16 jobs, at most one a core.
        max_stack: most models of one stack.
        memory_gib: GiB that all stacks may take together; ``null``: half of what is free.
    """

    _target_: str = f"{_PLUGINS}.launcher.StackedLauncher"
    n_jobs: int | None = None
    max_stack: int = 64
    memory_gib: float | None = None


@dataclass
class GridSweeperConf:
    """The section of ``hydra/sweeper=grid``; see Hydra's basic sweeper.

    Attributes:
        max_batch_size: so many jobs are launched at once; ``null``: all.
        params: overrides of every sweep, before those of the command line.
    """

    _target_: str = f"{_PLUGINS}.sweeper.GridSweeper"
    max_batch_size: int | None = None
    params: dict[str, str] | None = field(default_factory=dict)


@dataclass
class ParetoSweeperConf:
    """The section of ``hydra/sweeper=pareto``.

    Attributes:
        n_trials: jobs in all.
        batch: jobs that are asked for, and trained, at a time.
        seed: of the search; the jobs' seeds are their own.
        params: overrides of every search, before those of the command line.
    """

    _target_: str = f"{_PLUGINS}.pareto.ParetoSweeper"
    n_trials: int = 128
    batch: int = 32
    seed: int = 0
    params: dict[str, str] | None = field(default_factory=dict)
