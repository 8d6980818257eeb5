"""A report's file: written whole or not at all, and known again by how it begins."""

from pathlib import Path

from fairkd.errors import ConfigError
from fairkd.files import write_whole


def is_report(path: Path, marks: tuple[str, ...]) -> bool:
    """Whether a file begins with one of these texts.

    Args:
        path: of what is there.
        marks: how files of the kind begin.

    Raises:
        ConfigError: it cannot be read.
    """
    if not path.is_file():
        return False
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            start = file.read(max(map(len, marks)))
    except OSError as error:
        raise ConfigError(
            f"out={path} is there already and cannot be read ({error.strerror or error}); give "
            "another place as out."
        ) from error
    return start.startswith(marks)


def write(text: str, path: Path) -> None:
    """Write a report whole, or not at all.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        write_whole(text, path)
    except OSError as error:
        raise ConfigError(
            f"out={path} cannot be written ({error.strerror or error}); give another place as out."
        ) from error
