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
