"""The configuration as plain values."""

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from fairkd.errors import ConfigError, first_line

Section = Mapping[str, Any]


def resolved(config: DictConfig) -> dict[str, Any]:
    """The configuration as plain values, with every interpolation filled in.

    Raises:
        ConfigError: an interpolation leads nowhere, or a mandatory value is missing.
    """
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        where = error.full_key or "the configuration"
        problem = first_line(error)
        raise ConfigError(f"{where} cannot be filled in: {problem}.") from error
    if not isinstance(plain, dict):
        raise ConfigError("The configuration is not a mapping; see conf/train.yaml.")
    return {str(key): value for key, value in plain.items()}
