"""``hydra/sweeper=pareto``: a search for the best trades of accuracy and disparity."""

from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from fairkd.errors import ConfigError
from fairkd.sweeps.settings import ParetoSweeperConf


class ParetoSweeper(Sweeper):
    """Hands a search to the task's frame, which launches it batch by batch.

    Args:
        n_trials: see `ParetoSweeperConf`.
        batch: see `ParetoSweeperConf`.
        seed: see `ParetoSweeperConf`.
        params: see `ParetoSweeperConf`.
    """

    def __init__(self, n_trials: int, batch: int, seed: int, params: dict[str, str] | None) -> None:
        self._settings = (n_trials, batch, seed)
        self._params = params or {}

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Hydra tells what is to be searched."""
        self.config = config
        self.hydra_context = hydra_context
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )
        self._task: Any = task_function

    def sweep(self, arguments: list[str]) -> Any:
        """Run the whole search.

        Raises:
            ConfigError: it cannot be done, and why.
        """
        if not hasattr(type(self._task), "frame"):
            raise ConfigError("hydra/sweeper=pareto searches for fairkd's own command alone.")
        try:
            import optuna  # noqa: F401
        except ModuleNotFoundError as error:
            if error.name != "optuna":
                raise
            raise ConfigError(
                "hydra/sweeper=pareto needs Optuna; install it with pip install 'fairkd[pareto]'."
            ) from None
        from fairkd.sweeps.compose import Composer
        from fairkd.sweeps.process import load, needed
        from fairkd.sweeps.search import Search
        from fairkd.sweeps.space import space_of
        from fairkd.sweeps.warm import warmed

        assert self.config is not None
        assert self.hydra_context is not None
        assert self.launcher is not None
        loader = self.hydra_context.config_loader
        parser = OverridesParser.create(config_loader=loader)
        given = [f"{key}={text}" for key, text in self._params.items()]
        overrides = parser.parse_overrides([*given, *arguments])
        search = Search(space_of(overrides, self._current), *self._settings)
        with warmed(self.launcher, search.at_once):  # before this process imports just as much
            load(needed(self.config))
            from fairkd.commands.planned import Surrounding

            around = Surrounding(self.launcher, Composer(loader, self.config), self.config)
            return self._task.frame.search(search, around)

    def _current(self, key: str) -> object:
        """What a key holds before it is varied: a value, or the name of a chosen file."""
        assert self.config is not None
        chosen = self.config.hydra.runtime.choices.get(key)
        return OmegaConf.select(self.config, key) if chosen is None else chosen


ConfigStore.instance().store(
    group="hydra/sweeper", name="pareto", node=ParetoSweeperConf, provider="fairkd"
)
