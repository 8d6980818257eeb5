"""Whether a tracking server answers, told in seconds: MLflow itself tries again for minutes."""

import os
import ssl
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from fairkd.errors import TrackingError

SECONDS = 8.0
_TIMEOUT = "MLFLOW_HTTP_REQUEST_TIMEOUT"


def check_reachable(uri: str) -> None:
    """Refuse a server that does not answer within `SECONDS`, or the user's own MLflow timeout.

    Any answer will do, a refusal too: whether it is the right server, and lets us in, is for MLflow
    to find out. MLflow's patience with a server that goes away later stays what it is.

    Raises:
        TrackingError: nothing answers.
    """
    if urlsplit(uri).scheme not in ("http", "https"):
        return
    seconds = _seconds()
    try:
        with urlopen(Request(_bare(uri), method="HEAD"), timeout=seconds):
            return
    except HTTPError:
        return
    except ssl.SSLError:
        return
    except (OSError, HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, ssl.SSLError | HTTPException):
            return
        raise TrackingError(
            f"The tracking server {_bare(uri)} does not answer ({_text(reason, seconds)}); check "
            "that it runs and that tracking.uri is right, or use tracking=none."
        ) from error


def _seconds() -> float:
    try:
        return min(float(os.environ[_TIMEOUT]), 3600.0)
    except (KeyError, ValueError):
        return SECONDS


def _text(reason: object, seconds: float) -> str:
    if isinstance(reason, TimeoutError):
        return f"no answer in {seconds:g} s"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason)


def _bare(uri: str) -> str:
    """The address without a user's name and password."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
