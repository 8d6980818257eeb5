"""Refuse folders that cannot be written, before hours are spent on what would go there."""

import os
from pathlib import Path

from fairkd.errors import ConfigError


def check_writable(key: str, folder: Path) -> None:
    """Refuse a folder that is not there and cannot be made, or is there and cannot be written.

    Nothing is made.

    Args:
        key: where the folder is configured.
        folder: absolute, or relative to the working folder.

    Raises:
        ConfigError: naming what is in the way.
    """
    folder = folder.absolute()
    there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if not there.is_dir():
        raise ConfigError(
            f"{key}={folder} cannot be a folder: {there} is a file. Set {key} to another place."
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(
            f"{key}={folder} cannot be written: there is no permission to write in {there}. "
            f"Set {key} to a folder you can write."
        )


def check_out(place: Path, what: str, marks: tuple[str, ...]) -> None:
    """Refuse, before the work is done, a place that ``out=`` may not be written to.

    Args:
        place: of the file.
        what: is to be written, and may be written over (``report``).
        marks: how a file of its kind begins.

    Raises:
        ConfigError: something else is there, or its folder cannot be written.
    """
    from fairkd.reporting.report.file import is_report

    check_writable("out", place.parent)
    if os.path.lexists(place) and not is_report(place, marks):
        raise ConfigError(
            f"out={place} is there already and does not begin as a {what} of fairkd; give another "
            "out, or remove it."
        )


def check_free(place: Path, overwrite: bool) -> None:
    """Refuse, before the work is done, a place of ``out=`` where something is already.

    Args:
        place: of the file or folder.
        overwrite: whether what is there may be written over.

    Raises:
        ConfigError: something is there, or its folder cannot be written.
    """
    check_writable("out", place.parent)
    if os.path.lexists(place) and not overwrite:
        raise ConfigError(f"out={place} is there already; give another out, or add overwrite=true.")
