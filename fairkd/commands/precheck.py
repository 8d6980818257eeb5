"""A single job's configuration, composed and checked before Hydra starts and makes its folder."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from fairkd.commands.checking.job import check
from fairkd.commands.configuration import PRIMARY, config_folder
from fairkd.commands.places import check_writable


@dataclass(frozen=True)
class Composed:
    """A job as Hydra will compose it.

    Attributes:
        config: without Hydra's own section.
        hydra: Hydra's own section, in a configuration of its own.
        output: the job's folder, which is not there yet.
    """

    config: DictConfig
    hydra: DictConfig
    output: Path


def compose_single(arguments: Sequence[str]) -> Composed | None:
    """The one job that the arguments describe.

    Returns:
        ``None`` for several jobs, for anything but a plain run, and for arguments that do not
        compose: Hydra says what is wrong with those, and writes nothing.
    """
    if any(word.startswith("-") for word in arguments):
        return None
    try:
        job = composed(arguments)
    except (HydraException, OmegaConfBaseException, ValueError):
        return None
    return None if job.hydra.hydra.mode == RunMode.MULTIRUN else job


def composed(arguments: Sequence[str]) -> Composed:
    """The job that ``key=value`` words describe.

    Raises:
        HydraException: they do not compose; `fairkd.commands.failures.explain` says why.
        OmegaConfBaseException: the same.
        ValueError: the same.
    """
    with hydra_started():
        whole = compose(PRIMARY, list(arguments), return_hydra_config=True)
    output = Path(whole.hydra.run.dir).absolute()
    with read_write(whole), open_dict(whole):
        whole.hydra.runtime.output_dir = str(output)
        hydra = whole.copy()
        del whole["hydra"]
    return Composed(whole, hydra, output)


def hydra_started() -> initialize_config_dir:
    """Hydra with the project's configurations, for as long as a ``with`` lasts."""
    return initialize_config_dir(str(config_folder()), version_base="1.3", job_name="fairkd")


def check_single(job: Composed) -> None:
    """Refuse a job that cannot work, by its values and by where it would write.

    Raises:
        ConfigError: naming the key, the value and what is accepted.
    """
    with hydra_known(job.hydra):
        check(job.config)
    check_writable("paths.store", Path(job.config.paths.store))
    check_writable("hydra.run.dir", job.output)


@contextmanager
def hydra_known(config: DictConfig) -> Iterator[None]:
    """What a job's ``${hydra:...}`` refers to, as it will be while the job runs.

    `HydraConfig.set_config` would copy it, which takes longer than all that is done within.
    """
    instance: Any = HydraConfig.instance()
    before = instance.cfg
    instance.cfg = config
    try:
        yield
    finally:
        instance.cfg = before
