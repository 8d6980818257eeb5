"""The journal of a search: every trial that was asked for, and its end, line by line.

It is Optuna's journal storage, one line of JSON a step, in a file of its own. Whoever opens it
holds the search's lock.
"""

import json
import logging
from pathlib import Path

import optuna
from optuna.samplers import RandomSampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.study import Study

from fairkd.errors import ConfigError, StoreError
from fairkd.sweeps.trial import OBJECTIVES

log = logging.getLogger(__name__)

DIRECTIONS = list(OBJECTIVES.values())

_STUDY = "search"
_IDENTITY = "identity"


def open_journal(path: Path, identity: str) -> Study:
    """The study that a journal keeps, or a new one.

    Args:
        path: of the journal; what its process wrote last may be half a step.
        identity: of the search.

    Raises:
        ConfigError: the journal is of another search.
        StoreError: it cannot be read or written.
    """
    study = _study(path)
    known = study.user_attrs.get(_IDENTITY)
    if known is None:
        study.set_user_attr(_IDENTITY, identity)
    elif known != identity:
        raise ConfigError(
            f"sweep.id={path.stem} names a search with another space, seed, batch or "
            f"configuration; give another sweep.id, or move {path} away."
        )
    return study


def _study(path: Path) -> Study:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _cut_damage(path)
        return optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(path), _Held(str(path)))),
            study_name=_STUDY,
            directions=DIRECTIONS,
            sampler=RandomSampler(0),  # never asked
            load_if_exists=True,
        )
    except OSError as error:
        raise StoreError(
            f"The search's journal {path} cannot be written ({error.strerror or error}); set "
            "paths.store to a folder you can read and write."
        ) from error
    except (KeyError, ValueError, TypeError, AssertionError) as error:
        raise StoreError(
            f"{path} is not the journal of a search; move it away, and the search begins anew "
            "with the jobs that are in the store."
        ) from error


class _Held(JournalFileOpenLock):
    """No lock: the sweep's own is held, and Optuna's would outlive a killed process."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


def _cut_damage(path: Path) -> None:
    """Cut a journal where it stops being one: its process or machine died while it wrote.

    What is cut is asked for again, and comes out the same.
    """
    if not path.exists():
        return
    whole = path.read_bytes()
    good = 0
    for line in whole.splitlines(keepends=True):
        if not (line.endswith(b"\n") and _is_step(line)):
            break
        good += len(line)
    if good == len(whole):
        return
    log.warning("%s ends in the middle of a step; the search repeats that step.", path)
    with path.open("r+b") as file:
        file.truncate(good)


def _is_step(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
