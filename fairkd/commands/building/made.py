"""Make the object that a section of the configuration describes."""

import inspect
import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig

from fairkd.errors import ConfigError, FairkdError


def made(key: str, section: DictConfig, **arguments: Any) -> Any:
    """Instantiate a section's target.

    Raises:
        FairkdError: what the target itself refused, in its words; otherwise naming the key.
    """
    try:
        return _instantiated(key, section, arguments)
    except FairkdError as error:
        raise _located(key, section, error) from error


def _instantiated(key: str, section: DictConfig, arguments: Mapping[str, Any]) -> Any:
    try:
        # Hydra would turn a dataclass among its arguments into a configuration; a partial takes it
        # as it is.
        return instantiate(section, _partial_=True)(**arguments)
    except InstantiationException as error:
        if isinstance(error.__cause__, FairkdError):
            raise error.__cause__ from error
        raise unbuildable(key, section, error.__cause__ or error) from error
    except TypeError as error:
        raise unbuildable(key, section, error) from error


def _located(key: str, section: DictConfig, error: FairkdError) -> FairkdError:
    """The same refusal with its argument under the key that the user can change."""
    text = str(error)
    if text.partition("=")[0] in section:
        return type(error)(f"{key}.{text}")
    return error


def unbuildable(key: str, section: DictConfig, error: BaseException) -> ConfigError:
    """The refusal of a target that raised an error, which it tells."""
    problem = " ".join(str(error).splitlines()[:2]).rstrip(".")
    return ConfigError(f"{key} ({section.get('_target_')}) cannot be built: {problem}.")


def parameters_of(section: DictConfig) -> Collection[str]:
    """The arguments of a section's target, none of one that cannot be looked into."""
    try:
        return inspect.signature(target_of(section)).parameters
    except (ValueError, TypeError):  # making it will say what is wrong
        return ()


def target_of(section: DictConfig) -> Any:
    """What a section's target is; ``None`` where making it will say why there is none."""
    with _silent():
        try:
            return get_object(section._target_)
        except Exception:  # whatever importing the user's own code raises
            return None


@contextmanager
def _silent() -> Iterator[None]:
    """Hydra logs what it raises; what is raised becomes a sentence."""
    logger = logging.getLogger("hydra.utils")
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before
