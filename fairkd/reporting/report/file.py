"""A report's file: written whole or not at all, and known again by how it begins."""

from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from fairkd.errors import ConfigError

_READ = 400  # characters in which a report says that it is one


def is_report(path: Path, marks: tuple[str, ...]) -> bool:
    """Whether a file begins as a report does.

    Args:
        path: of what is there.
        marks: texts of which a report's beginning has one.

    Raises:
        OSError: it cannot be read.
    """
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        start = file.read(_READ)
    return any(mark in start for mark in marks)


def write(text: str, path: Path) -> None:
    """Write a report whole, or not at all.

    Raises:
        ConfigError: it cannot be written.
    """
    partial = path.with_name(f".{uuid4().hex}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
    except OSError as error:
        raise ConfigError(
            f"out={path} cannot be written ({error.strerror or error}); give another place as out."
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
