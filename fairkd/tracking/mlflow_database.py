"""Reaching MLflow: which store, made ready once, quietly, and with errors a user can act on."""

import logging
import os
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from fairkd.errors import TrackingError

_SQLITE = "sqlite:///"
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
_UNFINISHED = ".unfinished"
_SERVERS = ("http", "https", "databricks", "databricks-uc")
_FULL = ("disk is full", "no space left", "disk quota exceeded", "file too large", "disk i/o error")
_CHATTY = ("mlflow", "alembic", "sqlalchemy.pool", "urllib3")


def resolve_uri(uri: str | None) -> str:
    """The tracking URI: as configured, else ``MLFLOW_TRACKING_URI``, else ``mlflow.db`` here.

    A relative SQLite path becomes absolute, so that a later change of folder changes nothing.

    Raises:
        TrackingError: a URI of a kind that MLflow does not write to.
    """
    given = uri or os.environ.get("MLFLOW_TRACKING_URI") or sqlite_uri(Path.cwd() / "mlflow.db")
    scheme = urlsplit(given).scheme.split("+")[0]
    if scheme not in _DATABASES + _SERVERS:
        raise TrackingError(
            f"tracking.uri={without_password(given)} is not a tracking store; accepted: "
            "sqlite:///<path>, another database's URI, http(s)://<server>, or null for mlflow.db "
            "in the working folder."
        )
    file = sqlite_file(given)
    return sqlite_uri(file) if file else given


def without_password(uri: str) -> str:
    """A URI as it may be shown: three asterisks stand for a password."""
    parts = urlsplit(uri)
    if parts.password is None:
        return uri
    user, _, place = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user.partition(':')[0]}:***@{place}").geturl()


def is_server(uri: str) -> bool:
    """Whether a server stands before the store (and decides where artifacts go)."""
    return urlsplit(uri).scheme in _SERVERS


def sqlite_file(uri: str) -> Path | None:
    """The absolute path of an SQLite store's file; None for any other store."""
    if not uri.startswith(_SQLITE):
        return None
    return Path(unquote(uri.removeprefix(_SQLITE))).absolute()


def sqlite_uri(file: Path) -> str:
    """The URI of an SQLite file; SQLAlchemy decodes percent signs and ends the path at ``?``."""
    return _SQLITE + str(file).replace("%", "%25").replace("?", "%3F")


def create(file: Path) -> None:
    """Make an SQLite store that is not there yet: migrated beside its place, then moved into it.

    Migrating takes seconds, and one that is interrupted leaves a file that MLflow can neither use
    nor mend. Only one process may be here at a time; what a killed one left behind is removed.

    Raises:
        OSError, MlflowException, SQLAlchemyError: the file cannot be made.
    """
    if file.exists() and file.stat().st_size > 0:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    remains = f".{file.name}.*{_UNFINISHED}*"
    for left in file.parent.glob(remains):
        left.unlink(missing_ok=True)
    unfinished = file.with_name(f".{file.name}.{uuid.uuid4().hex}{_UNFINISHED}")
    try:
        MlflowClient(sqlite_uri(unfinished)).search_experiments(max_results=1)  # migrates
        unfinished.replace(file)
    finally:
        for left in file.parent.glob(remains):
            left.unlink(missing_ok=True)


def write_ahead(file: Path) -> None:
    """Put an SQLite file, made if need be, into write-ahead mode, so readers never block a writer.

    Where the file system cannot share memory (some network mounts), the mode stays what it was.

    Raises:
        OSError, sqlite3.Error: the file cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(file, timeout=20)
    try:
        if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


@contextmanager
def reaching(uri: str, purpose: str) -> Iterator[None]:
    """Run a few calls to MLflow quietly; what goes wrong becomes one sentence.

    Raises:
        TrackingError: MLflow, its database or its artifact folder failed.
    """
    with telling(uri, purpose), _quiet:
        yield


@contextmanager
def telling(uri: str, purpose: str) -> Iterator[None]:
    """As `reaching`, for what logs nothing.

    Raises:
        TrackingError: as `reaching`.
    """
    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise TrackingError(_sentence(uri, purpose, error)) from error


def _sentence(uri: str, purpose: str, error: Exception) -> str:
    reason = one_line(error).replace(uri, without_password(uri))
    uri = without_password(uri)
    if any(sign in reason.lower() for sign in _FULL):
        return (
            f"Could not {purpose} in {uri}: the disk is full ({reason}). Free some space or a "
            "quota, or set tracking.uri and tracking.artifacts to another disk."
        )
    advice = (
        "check that the server runs and that tracking.uri is right"
        if is_server(uri)
        else "set tracking.uri (and tracking.artifacts) to a place you can write"
    )
    return f"Could not {purpose} in {uri}: {reason}; {advice}, or use tracking=none."


def one_line(error: BaseException) -> str:
    """The first line of an error's text, at most 300 characters, or else its type."""
    lines = str(error).strip().splitlines()
    text = lines[0].rstrip(".") if lines else type(error).__name__
    return text if len(text) <= 300 else text[:297] + "..."


class _Quiet:
    """Lets MLflow log only what is critical, while anyone is inside; then all is as it was."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._levels: dict[str, int] = {}

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._levels = {name: logging.getLogger(name).level for name in _CHATTY}
                _set_levels(dict.fromkeys(_CHATTY, logging.CRITICAL))
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                _set_levels(self._levels)


def _set_levels(levels: Mapping[str, int]) -> None:
    """Set loggers' levels at once.

    Each call of `setLevel` makes every logger of the process forget what it lets pass, a third of a
    millisecond; one such call tells them of all levels.
    """
    loggers = {logging.getLogger(name): level for name, level in levels.items()}
    for logger, level in loggers.items():
        logger.level = level
    last = next(reversed(loggers))
    last.setLevel(loggers[last])


_quiet = _Quiet()
