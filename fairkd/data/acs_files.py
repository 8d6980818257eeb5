"""The Census's person files by state: the user's own, or fetched through folktables."""

import contextlib
import io
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from filelock import FileLock

from fairkd.checks import as_typed
from fairkd.errors import ConfigError, DataError, unknown_name

HORIZON = "1-Year"
NAMES = "psam_p06.csv, or ss14pca.csv before 2017, for CA"


def folktables() -> Any:
    """The package, which `fairkd[acs]` brings.

    Raises:
        ConfigError: it is not installed.
    """
    if find_spec("folktables") is None:
        raise ConfigError(
            "data=acs needs folktables, which is not installed; pip install 'fairkd[acs]'."
        )
    import folktables

    return folktables


def check_states(states: object) -> None:
    """Refuse what is no list of states.

    Raises:
        ConfigError: not a list, empty, a state twice, or one that is not known.
    """
    known = folktables().state_list
    listed = isinstance(states, list | tuple) and all(isinstance(name, str) for name in states)
    if not listed or not states or len(set(states)) < len(states):
        raise ConfigError(
            f"data.states={as_typed(states)} is not a list of states; accepted: at least one, each "
            "once, as in data.states=[CA,TX]."
        )
    for state in states:
        if state not in known:
            raise ConfigError(unknown_name("state in data.states", str(state), known))


def own_files(folder: Path, states: Sequence[str], year: int) -> list[Path]:
    """The person file of each state in the user's own folder.

    Args:
        folder: with the files, or folktables' own: with them under ``2018/1-Year``.
        states: two letters each.
        year: of the survey.

    Raises:
        DataError: a state has no file there.
    """
    return [_own_file(folder, state, year) for state in states]


def fetch_states(states: Sequence[str], year: int, cache: Path) -> list[Path]:
    """The person file of each state in the cache, downloading what it lacks from the Census.

    A file appears under a temporary name and is renamed, so a reader never sees half of one.

    Args:
        states: two letters each.
        year: of the survey.
        cache: where fetched data is kept.

    Raises:
        DataError: the Census is not reached or has no such file, or the folder is not writable.
    """
    folder = cache / "acs" / str(year)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            return [
                _kept_file(folder, state, year) or _download(folder, state, year)
                for state in states
            ]
    except OSError as error:
        raise DataError(
            f"data=acs cannot be kept in {folder} ({error.strerror or error}); name a folder that "
            "can be written in paths.data or in the environment variable FAIRKD_DATA."
        ) from error


def fetch_default(cache: Path) -> Path:
    """Fetch California's file of 2018 and return its folder; see `fetch_states`."""
    (file,) = fetch_states(("CA",), 2018, cache)
    return file.parent


def _own_file(folder: Path, state: str, year: int) -> Path:
    for place in (folder, folder / str(year) / HORIZON):
        found = _kept_file(place, state, year)
        if found is not None:
            return found
    raise DataError(
        f"There is no person file of {state} for {year} in {folder}; data.path for data=acs is a "
        f"folder that holds one for every state in data.states ({NAMES})."
    )


def _kept_file(folder: Path, state: str, year: int) -> Path | None:
    with contextlib.suppress(FileNotFoundError):
        return Path(_person_file(folder, state, year, download=False))
    return None


def _download(folder: Path, state: str, year: int) -> Path:
    with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as temporary:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):  # where folktables writes what went wrong
            file = Path(_person_file(Path(temporary), state, year, download=True))
        if not file.is_file():
            why = said.getvalue().rpartition("Exception:")[2].strip().rstrip(".")
            raise DataError(
                f"The Census's person file of {state} for {year} could not be fetched ({why}); try "
                "again where www2.census.gov is reached, or name a folder that holds it in "
                f"data.path ({NAMES})."
            )
        return file.replace(folder / file.name)


def _person_file(folder: Path, state: str, year: int, *, download: bool) -> str:
    folktables()
    from folktables.load_acs import initialize_and_download

    file: str = initialize_and_download(
        str(folder), state, year, HORIZON, "person", download=download
    )
    return file
