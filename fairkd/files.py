"""A file that is written whole or not at all."""

from contextlib import suppress
from pathlib import Path
from uuid import uuid4


def write_whole(text: str, path: Path) -> None:
    """Write a text as UTF-8, in a folder that is made where there is none.

    Raises:
        OSError: it cannot be written; then what was there before is there still.
    """
    partial = path.with_name(f".{uuid4().hex}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
