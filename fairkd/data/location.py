"""Where a user's file is: a path of this machine, or a URL fetched once into the cache."""

import hashlib
import logging
import os
import re
from difflib import get_close_matches
from http.client import HTTPException, HTTPResponse, IncompleteRead
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from filelock import FileLock, Timeout

from fairkd.data.fetch import LOCK_SECONDS, default_cache, sha256_of
from fairkd.errors import ConfigError, DataError

logger = logging.getLogger(__name__)

FOLDER = "urls"
"""In the cache: a folder for each URL, named by its hash."""
_SECONDS = 60.0
_PART = 2**20
_SHOWN = 5
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def located(path: str, *, key: str, cache: Path | None = None, sha256: str | None = None) -> Path:
    """The file or folder that a path names; what a URL names is downloaded at first use.

    Args:
        path: of this machine (``~`` is the user's home), or a URL of http or https.
        key: under which it was given, for the sentences (``data.path``).
        cache: where fetched files are kept; by default see `default_cache`.
        sha256: what a URL's content has to have; a cached copy with another one is fetched again.

    Raises:
        DataError: it is not there, not readable, or cannot be fetched.
        ConfigError: a URL of another kind.
    """
    if _SCHEME.match(path):
        return _fetched(path, key, cache if cache is not None else default_cache(), sha256)
    found = Path(path).expanduser()
    try:
        found.stat()
        readable = os.access(found, os.R_OK)
    except FileNotFoundError as error:
        raise DataError(_missing(found, key)) from error
    except OSError as error:
        raise DataError(f"{found} cannot be read ({error.strerror}); see {key}.") from error
    if not readable:
        raise DataError(
            f"{found} cannot be read (Permission denied); change its permissions, or name another "
            f"file in {key}."
        )
    return found


def _missing(path: Path, key: str) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"There is no file {path}, nor a folder {folder}; name another in {key}."
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    close = get_close_matches(path.name, names, n=1)
    if close:
        return f"There is no file {path}; did you mean '{folder / close[0]}'? Change {key}."
    shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    holds = f"holds: {shown}" if names else "is empty"
    return f"There is no file {path}; its folder {holds}. Change {key}."


def _fetched(url: str, key: str, cache: Path, sha256: str | None) -> Path:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ConfigError(
            f"{key}={url} is a URL of {parts.scheme}; accepted: a path, or a URL of http or https."
        )
    if parts.username or parts.password:
        raise ConfigError(
            f"The URL in {key} holds a name or password, which would be tracked with the job; "
            "download the file, and name its path."
        )
    folder = cache / FOLDER / hashlib.sha256(url.encode()).hexdigest()[:16]
    file = folder / (_file_name(parts.path) or "table")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=LOCK_SECONDS):
            if file.is_file() and sha256 in (None, sha256_of(file)):
                logger.info("%s is in the cache: %s (remove it to fetch it again).", url, file)
            else:
                _download(url, key, file)
                logger.info("%s is in %s (sha256 %s).", url, file, sha256_of(file))
    except Timeout as error:
        raise DataError(f"Another process is fetching {url}; wait for it, or end it.") from error
    except OSError as error:
        raise DataError(
            f"{error.filename or folder} cannot be written ({error.strerror or error}); name "
            "another cache folder in paths.data."
        ) from error
    return file


def _file_name(path: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", unquote(path.rpartition("/")[2])).lstrip(".")[-100:]


def _download(url: str, key: str, file: Path) -> None:
    """Write what a URL gives, whole or not at all."""
    logger.info("Fetching %s.", url)
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with _answer(url, key) as answer, part.open("wb") as written:
            while block := _next(answer, url, key):
                written.write(block)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _answer(url: str, key: str) -> HTTPResponse:
    try:
        answer: HTTPResponse = urlopen(
            Request(url, headers={"User-Agent": "fairkd"}), timeout=_SECONDS
        )
    except (OSError, HTTPException, ValueError) as error:  # HTTPError and URLError are OSErrors
        raise DataError(_unavailable(url, key, error)) from error
    return answer


def _next(answer: HTTPResponse, url: str, key: str) -> bytes:
    """The next bytes, none at the end; a connection that breaks off is no trouble with the disk."""
    try:
        block = answer.read(_PART)
        if not block and answer.length:
            raise IncompleteRead(b"", answer.length)
    except (OSError, HTTPException) as error:
        raise DataError(_unavailable(url, key, error)) from error
    return block


def _unavailable(url: str, key: str, error: Exception) -> str:
    if isinstance(error, HTTPError):
        why = f"the server answers {error.code} {error.reason}"
    else:
        why = str(getattr(error, "reason", error)) or type(error).__name__
    return f"{url} cannot be fetched ({why}); correct {key}, or download it and name its path."
