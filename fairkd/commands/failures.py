"""Turn an exception into one sentence and an exit code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from fairkd.commands.configuration import PRIMARY
from fairkd.errors import FairkdError, unknown_name

USAGE_ERROR = 2
TRACEBACK_HINT = "HYDRA_FULL_ERROR=1 shows the traceback."


@dataclass(frozen=True)
class Failure:
    """What the user is told, and the exit code."""

    sentence: str
    exit_code: int


def explain(error: BaseException, config_folder: str) -> Failure:
    """The sentence for an exception that reached the command line.

    Args:
        error: what was raised.
        config_folder: where the known keys are found.
    """
    for cause in _chain(error):
        if isinstance(cause, FairkdError):
            return Failure(str(cause), 1)
    for cause in _chain(error):
        if isinstance(cause, OverrideParseException):
            return Failure(unreadable(cause.override), USAGE_ERROR)
        if isinstance(cause, MissingConfigException):
            return Failure(_unknown_choice(cause), 1)
    if isinstance(error, HydraException | OmegaConfBaseException):
        return Failure(_composition(error, config_folder), 1)
    name = type(error).__name__
    return Failure(f"The job failed with {name}: {_first_line(error)} {TRACEBACK_HINT}", 1)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def unreadable(override: object) -> str:
    """A sentence for a word of the command line that sets nothing."""
    return (
        f"'{override}' cannot be read as key=value; accepted: key=value, key=1,2,3 with -m, "
        "group=name. Quote values with spaces, brackets or parentheses for the shell."
    )


def _unknown_choice(error: MissingConfigException) -> str:
    missing = error.missing_cfg_file or ""
    group, _, name = missing.rpartition("/")
    if error.options is not None and group:
        known = [option for option in error.options if option != "base"]
        return unknown_name(f"choice for {group}", name, known)
    return f"The configuration '{missing}' does not exist; see fairkd --help."


def _composition(error: BaseException, config_folder: str) -> str:
    text = "\n".join(str(cause) for cause in _chain(error))
    several = re.search(r"Ambiguous value for argument '([^=']+)=(.*)'", text)
    if several is not None:
        return (
            f"'{several[1]}={several[2]}' gives several values to one job; with -m each becomes "
            f"its own job, and a list is written '{several[1]}=[{several[2]}]'."
        )
    key = re.search(r"Could not override '([^']+)'", text) or re.search(
        r"Could not find '([^']+)'", text
    )
    if key is None:
        return f"The configuration cannot be composed: {_first_line(error)} {TRACEBACK_HINT}"
    return f"{unknown_key(key[1], config_folder)} A key that is not there yet is added with '+'."


def unknown_key(given: str, config_folder: str) -> str:
    """A sentence for a key that the configuration does not have: the nearest, then its neighbours.

    Args:
        given: the dotted key.
        config_folder: where the primary configuration is.
    """
    GlobalHydra.instance().clear()
    with initialize_config_dir(config_folder, version_base="1.3"):
        known = list(_keys(compose(PRIMARY)))
    section = given.rpartition(".")[0]
    neighbours = [key for key in known if key.rpartition(".")[0] == section]
    close = get_close_matches(given, known, n=1, cutoff=0.5)
    hint = f"; did you mean '{close[0]}'?" if close else "."
    if neighbours and section:
        listed = ", ".join(key.rpartition(".")[2] for key in neighbours)
        return f"Unknown key '{given}'{hint} Keys of {section}: {listed}."
    return f"Unknown key '{given}'{hint} fairkd --cfg job shows all keys."


def _keys(config: DictConfig, prefix: str = "") -> Iterator[str]:
    for name in map(str, config):
        key = f"{prefix}{name}"
        yield key
        child = None if OmegaConf.is_interpolation(config, name) else config.get(name)
        if isinstance(child, DictConfig):
            yield from _keys(child, f"{key}.")


def _first_line(error: BaseException) -> str:
    line = (str(error).strip().splitlines() or ["no message"])[0].strip()
    return line if line.endswith((".", "!", "?")) else f"{line}."
