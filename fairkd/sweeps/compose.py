"""Compose the jobs of a grid as Hydra does, but each choice of configuration groups only once."""

import copy
from collections.abc import Sequence

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.types import RunMode
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict, read_write


class Composer:
    """Compose one job after another from the same command line.

    Hydra reads and merges all files anew for every job, a tenth of a second each. Of jobs that
    differ in values alone the files are the same, so they are merged once and the values applied to
    a copy, by Hydra's own code.

    Args:
        loader: Hydra's.
        master: the sweep's own configuration, as the sweeper got it.
    """

    def __init__(self, loader: ConfigLoader, master: DictConfig) -> None:
        self._loader = loader
        self._master = master
        # Every job takes over what the sweep has resolved, so that a folder named by the time is
        # the same for all of them.
        str(master.hydra.sweep.dir)
        self._parser = OverridesParser.create(config_loader=loader)
        self._groups: dict[str, bool] = {}
        self._merged: dict[tuple[str, ...], DictConfig] = {}

    def job(self, overrides: Sequence[str], number: int) -> DictConfig:
        """The configuration of one job, with Hydra's own section, as ``load_sweep_config`` has it.

        Args:
            overrides: of the job.
            number: its place in the sweep.

        Raises:
            HydraException: it does not compose.
        """
        parsed = self._parser.parse_overrides(list(overrides))
        ConfigLoaderImpl.validate_sweep_overrides_legal(parsed, RunMode.RUN, from_shell=True)
        structural = [given for given in parsed if self._is_structural(given)]
        config = copy.deepcopy(self._merge(tuple(str(given.input_line) for given in structural)))
        values = [given for given in parsed if given not in structural]
        ConfigLoaderImpl._apply_overrides_to_config(values, config)
        _note_overrides(config, [given for given in parsed if not given.is_hydra_override()])
        OmegaConf.copy_cache(from_config=self._master, to_config=config)
        with open_dict(config):
            config.hydra.job.id = number
            config.hydra.job.num = number
        return config

    def extend(self, config: DictConfig, overrides: Sequence[str]) -> None:
        """Apply further values to a composed job, in place, as if they had been given with it."""
        parsed = self._parser.parse_overrides(list(overrides))
        ConfigLoaderImpl._apply_overrides_to_config(parsed, config)
        before = self._parser.parse_overrides(as_given(config.hydra.overrides.task))
        _note_overrides(config, [*before, *parsed])

    def _merge(self, structural: tuple[str, ...]) -> DictConfig:
        if structural not in self._merged:
            hydras = as_given(self._master.hydra.overrides.hydra)
            self._merged[structural] = self._loader.load_configuration(
                config_name=self._master.hydra.job.config_name,
                overrides=[*hydras, *structural],
                run_mode=RunMode.RUN,
            )
        return self._merged[structural]

    def _is_structural(self, given: Override) -> bool:
        """Whether an override decides which files are merged, or concerns Hydra itself."""
        return (
            given.is_hydra_override()
            or given.package is not None
            or (self._is_group(given.key_or_group) and not isinstance(given.value(), dict))
        )

    def _is_group(self, key: str) -> bool:
        if key not in self._groups:
            found = self._loader.list_groups(key) or self._loader.get_group_options(key)
            self._groups[key] = bool(found)
        return self._groups[key]


def as_given(overrides: ListConfig) -> list[str]:
    """Overrides as the user wrote them, whatever they refer to."""
    given = OmegaConf.to_container(overrides, resolve=False)
    assert isinstance(given, list)
    return [str(override) for override in given]


def _note_overrides(config: DictConfig, task: Sequence[Override]) -> None:
    """Write the job's overrides where Hydra notes them."""
    naming = config.hydra.job.config.override_dirname
    with read_write(config.hydra.overrides), read_write(config.hydra.job):
        config.hydra.overrides.task = [given.input_line for given in task]
        config.hydra.job.override_dirname = get_overrides_dirname(
            overrides=list(task),
            kv_sep=naming.kv_sep,
            item_sep=naming.item_sep,
            exclude_keys=naming.exclude_keys,
        )
