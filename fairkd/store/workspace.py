"""Where an entry is built before it appears, and how the remains of dead processes are told."""

import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout


class Workspace:
    """A folder of our own, ``<tmp>/<unique>/``, that is gone afterwards whatever happens.

    A lock beside it, ``<tmp>/<unique>.lock``, is held for as long as the folder may exist, so that
    another process can tell a folder in use from the remains of a process that was killed. Process
    numbers could not: they are reused, and mean nothing between containers.

    Args:
        tmp: the folder that holds all workspaces, on the same file system as the store.
    """

    def __init__(self, tmp: Path) -> None:
        self._folder = tmp / uuid.uuid4().hex
        self._lock = FileLock(_lock_of(self._folder))

    def __enter__(self) -> "Workspace":
        self._lock.acquire()
        try:
            self._folder.mkdir()
        except BaseException:
            _discard(self._folder, self._lock)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _discard(self._folder, self._lock)

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write the files and wait until the disk has them.

        Raises:
            OSError: they cannot be written.
        """
        new = self._folder / "new"
        new.mkdir()
        for name, data in files.items():
            with (new / name).open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        _sync(new)

    def move_to(self, place: Path) -> None:
        """Put what was written in place in one step, and what was there before away.

        Raises:
            OSError: it cannot be moved.
        """
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            self.take(place)
        try:
            (self._folder / "new").rename(place)
        except OSError:
            if (self._folder / "old").exists():
                (self._folder / "old").rename(place)
            raise
        _sync(place.parent)

    def take(self, place: Path) -> None:
        """Take a folder out of its place in one step; it goes when the workspace goes.

        Raises:
            OSError: it cannot be moved.
        """
        place.rename(self._folder / "old")


def sweep(tmp: Path) -> None:
    """Remove the workspaces whose process is gone; those of living processes stay."""
    try:
        names = {path.name.removesuffix(".lock") for path in tmp.iterdir()}
    except OSError:
        return
    for name in names:
        lock = FileLock(_lock_of(tmp / name))
        try:
            lock.acquire(blocking=False)
        except (Timeout, OSError):
            continue
        _discard(tmp / name, lock)


def remains(tmp: Path) -> int:
    """The bytes in workspaces whose process is gone; nothing is changed."""
    try:
        folders = [path for path in tmp.iterdir() if path.is_dir()]
    except OSError:
        return 0
    return sum(_size(folder) for folder in folders if _abandoned(folder))


def _abandoned(folder: Path) -> bool:
    if not _lock_of(folder).exists():
        return True
    lock = FileLock(_lock_of(folder))
    try:
        lock.acquire(blocking=False)
    except (Timeout, OSError):
        return False
    lock.release()
    return True


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _discard(folder: Path, lock: FileLock) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    # Unlinked while still held: filelock notices a lock whose file lost its name and tries again.
    _lock_of(folder).unlink(missing_ok=True)
    lock.release()


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + ".lock")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
