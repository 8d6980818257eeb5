"""``hydra/sweeper=grid``: Hydra's basic sweeper, with the frame that a sweep of fairkd has."""

from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from fairkd.errors import ConfigError
from fairkd.sweeps.settings import GridSweeperConf


class GridSweeper(BasicSweeper):
    """Hands the whole grid to the task's frame, if the task has one; else it is Hydra's own.

    The frame composes and checks every job before the first one starts, whatever the launcher, and
    ends the sweep with its comparison even where jobs failed.
    """

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Hydra tells what is to be swept."""
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        self._task: Any = task_function

    def sweep(self, arguments: list[str]) -> Any:
        """Run every combination."""
        if not hasattr(type(self._task), "frame"):
            return super().sweep(arguments)
        assert self.config is not None
        assert self.hydra_context is not None
        assert self.launcher is not None
        from fairkd.sweeps.compose import Composer
        from fairkd.sweeps.process import load, needed
        from fairkd.sweeps.warm import warmed

        loader = self.hydra_context.config_loader
        parser = OverridesParser.create(config_loader=loader)
        words = parser.parse_overrides([*self._parse_config(), *arguments])
        for word in words:
            if word.is_sweep_override() and not word.is_discrete_sweep():
                raise ConfigError(
                    f"'{word.input_line}' is an interval, and a grid needs single values; list "
                    "them, or search the interval with sweep=pareto."
                )
        grid = self.split_arguments(words, None)[0]
        with warmed(self.launcher, len(grid)):  # before this process imports just as much
            load(needed(self.config))
            from fairkd.commands.planned import Surrounding

            composer = Composer(loader, self.config)
            around = Surrounding(self.launcher, composer, self.config, self.max_batch_size)
            return self._task.frame.sweep(grid, around)


ConfigStore.instance().store(
    group="hydra/sweeper", name="grid", node=GridSweeperConf, provider="fairkd"
)
