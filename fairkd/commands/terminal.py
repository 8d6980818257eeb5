"""Keep Hydra's own line about a failed job off the terminal, where ours says what to do."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

_HYDRAS_LINE = "Error executing job with overrides:"


class _Filtered:
    """A text stream that drops what begins with Hydra's line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text, unless it is that line."""
        return len(text) if text.startswith(_HYDRAS_LINE) else self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def without_hydras_line() -> Iterator[None]:
    """Drop the line "Error executing job with overrides" from standard error.

    Hydra writes it unconditionally when a failed job's error is asked for.
    """
    before = sys.stderr
    sys.stderr = _Filtered(before)
    try:
        yield
    finally:
        sys.stderr = before
