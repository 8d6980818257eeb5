"""Turn an exception into one sentence and an exit code."""

import errno
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from fairkd.commands.configuration import PRIMARY, config_folder
from fairkd.errors import FairkdError, unknown_name

USAGE_ERROR = 2
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NEW_KEY = "A key that is not there yet is added with '+'."
_LAUNCHERS = {
    "joblib": "joblib",
    "submitit_local": "submitit",
    "submitit_slurm": "submitit",
    "ray": "ray",
}
"""The extra that brings each launcher that is not ours or Hydra's own."""
TRACEBACK_HINT = "HYDRA_FULL_ERROR=1 shows the traceback."


@dataclass(frozen=True)
class Failure:
    """What the user is told, and the exit code."""

    sentence: str
    exit_code: int


def explain(error: BaseException, arguments: Sequence[str]) -> Failure:
    """The sentence for an exception that reached the command line.

    Args:
        error: what was raised.
        arguments: of the command line; which keys are known depends on the chosen groups.
    """
    for cause in chain(error):
        if isinstance(cause, FairkdError):
            return Failure(str(cause), 1)
    for cause in chain(error):
        if isinstance(cause, OverrideParseException):
            return Failure(unreadable(cause.override), USAGE_ERROR)
        if isinstance(cause, MissingConfigException):
            return Failure(_unknown_choice(cause), 1)
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return Failure(_full(cause), 1)
    if isinstance(error, HydraException | OmegaConfBaseException):
        return Failure(_composition(error, arguments), 1)
    name = type(error).__name__
    return Failure(f"The job failed with {name}: {_first_line(error)} {TRACEBACK_HINT}", 1)


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error and everything that led to it."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def unreadable(override: object) -> str:
    """A sentence for a word of the command line that sets nothing."""
    key, _, value = str(override).partition("=")
    strange = "letters outside ASCII" if not str(override).isascii() else _signs(key, value)
    if strange:
        return (
            f"'{override}' has {strange}, which Hydra reads in inner quotes only: "
            f"'{key}=\"{value}\"'."
        )
    return (
        f"'{override}' cannot be read as key=value; accepted: key=value, key=1,2,3 with -m, "
        "group=name. Quote values with spaces, brackets or parentheses for the shell."
    )


def _signs(key: str, value: str) -> str:
    """The signs of a plain value that only quotes let through; none where something else is wrong.

    Quotes, brackets and commas have a meaning of their own, which may be what was meant.
    """
    if not key or re.search(r"""[][(){},'"\\$]""", value):
        return ""
    signs = dict.fromkeys(re.findall(r"[<>=&;!?#~^|`]", value))
    return f"the sign{'s' * (len(signs) > 1)} {' '.join(signs)}" if signs else ""


def _full(error: OSError) -> str:
    what = f"{error.filename} cannot be written" if error.filename else "A file cannot be written"
    return (
        f"{what}: {error.strerror}. Free some space or a quota, or set hydra.run.dir, paths.store "
        "and tracking.uri to another disk."
    )


def _unknown_choice(error: MissingConfigException) -> str:
    missing = error.missing_cfg_file or ""
    group, _, name = missing.rpartition("/")
    if group == "hydra/launcher" and name in _LAUNCHERS:
        return (
            f"hydra/launcher={name} is not installed; "
            f"pip install 'fairkd[{_LAUNCHERS[name]}]' brings it."
        )
    folder = config_folder() / group
    if group and (error.options is not None or folder.is_dir()):
        known = error.options or [file.stem for file in folder.glob("*.yaml")]
        return unknown_name(f"choice for {group}", name, known)
    return f"The configuration '{missing}' does not exist; see fairkd --help."


def _composition(error: BaseException, arguments: Sequence[str]) -> str:
    text = "\n".join(str(cause) for cause in chain(error))
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
    return unknown_key(key[1], arguments)


def unknown_key(given: str, arguments: Sequence[str]) -> str:
    """A sentence for a key that the configuration does not have: the nearest, then its neighbours.

    Args:
        given: the dotted key.
        arguments: of the command line; the groups chosen there decide which keys there are.
    """
    known = _known_keys(arguments)
    if given in known:
        return f"'{given}' has no such key; add one with +{given}.NAME=VALUE."
    section, dot, name = given.rpartition(".")
    neighbours = [
        key.removeprefix(section + dot) for key in known if key.rpartition(".")[0] == section
    ]
    close = [section + dot + found for found in get_close_matches(name, neighbours, n=1)]
    others = [key for key in known if key.rpartition(".")[0] != section and key != section]
    if not section:
        groups = [path.name for path in config_folder().iterdir() if path.is_dir()]
        roots = [*groups, *(key for key in known if "." not in key)]
        same = [key for key in known if key.rpartition(".")[2] == given]
        close = get_close_matches(given, roots, n=1) or sorted(same, key=lambda key: key.count("."))
    close = close or get_close_matches(given, others, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else "."
    listed = ", ".join(key for key in neighbours if not key.startswith("_"))
    if listed and section:
        return f"Unknown key '{given}'{hint} Keys of {section}: {listed}. {_NEW_KEY}"
    return f"Unknown key '{given}'{hint} fairkd --cfg job shows all keys. {_NEW_KEY}"


def _known_keys(arguments: Sequence[str]) -> list[str]:
    folder = config_folder()
    choices = [word for word in arguments if (folder / word.partition("=")[0]).is_dir()]
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(folder), version_base="1.3"):
        try:
            return list(_keys(compose(PRIMARY, choices)))
        except (HydraException, OmegaConfBaseException):  # choices of a sweep
            return list(_keys(compose(PRIMARY)))


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
