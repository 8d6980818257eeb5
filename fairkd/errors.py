"""Errors whose text a user can act on: what was given, what is accepted, which key to change."""

from collections.abc import Iterable
from difflib import get_close_matches


class FairkdError(Exception):
    """Anything fairkd refuses; its text is one complete sentence for the user."""


class ConfigError(FairkdError):
    """A configured value that cannot work."""


class DataError(FairkdError):
    """Data that is missing, damaged, or does not fit its description."""


class StoreError(FairkdError):
    """The store cannot be read or written."""


class TrackingError(FairkdError):
    """The tracking store cannot be reached or written."""


def first_line(error: BaseException) -> str:
    """What a library's error says, for a sentence of one's own: a line without its full stop.

    Of an error that says nothing, its kind.
    """
    said = str(error).strip().partition("\n")[0].rstrip(".!")
    return said or type(error).__name__


def unknown_name(kind: str, given: object, known: Iterable[str]) -> str:
    """A sentence for a name that is not in a list: the nearest known name, then all of them.

    Args:
        kind: what the name is for, in words ("data set", "layer of the teacher").
        given: what the user wrote.
        known: every accepted name.
    """
    names = sorted(known)
    close = get_close_matches(str(given), names, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else "."
    listed = ", ".join(names) if names else "none"
    return f"Unknown {kind} '{given}'{hint} Accepted: {listed}."
