"""Which process owns a run, and whether it still lives: a lock held for as long as the run is open.

The operating system frees the lock of a process however it dies, and a process number that is used
again cannot be mistaken for its owner.
"""

import re
import socket
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

HOST = "fairkd.host"
LOCK = "fairkd.lock"


class Owner:
    """A new lock, held from now until `close`.

    It exists before its run does, so no other process ever sees the run without an owner.

    Attributes:
        tags: what the run needs so that others find the lock.

    Args:
        locks: the folder of the lock's file.

    Raises:
        OSError: the lock cannot be made.
    """

    def __init__(self, locks: Path) -> None:
        host = socket.gethostname()
        self._path = locks.absolute() / f"run-{host}-{uuid.uuid4().hex}.lock"
        self._lock = FileLock(self._path, thread_local=False)
        self._lock.acquire()
        self.tags = {HOST: host, LOCK: str(self._path)}

    def close(self) -> None:
        """Give the lock up and remove its file."""
        self._path.unlink(missing_ok=True)
        self._lock.release()


@contextmanager
def orphaned(tags: Mapping[str, str]) -> Iterator[bool]:
    """Whether a run with these tags lost its owner; nobody else finds it so within the ``with``.

    Runs of other hosts, and runs without these tags, never count as orphaned.
    """
    if tags.get(HOST) != socket.gethostname() or LOCK not in tags:
        yield False
        return
    path = Path(tags[LOCK])
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except (Timeout, OSError):
        yield False
        return
    try:
        yield True
    finally:
        path.unlink(missing_ok=True)
        lock.release()


def sweep(locks: Path) -> None:
    """Remove the locks of this host's processes that died before their run was there.

    A lock whose run is still to be marked as killed may go as well: `orphaned` makes it anew.
    """
    ours = re.compile(rf"run-{re.escape(socket.gethostname())}-[0-9a-f]{{32}}\.lock")
    for path in locks.glob("run-*.lock"):
        if not ours.fullmatch(path.name):
            continue
        lock = FileLock(path, thread_local=False)
        try:
            lock.acquire(blocking=False)
        except (Timeout, OSError):
            continue
        path.unlink(missing_ok=True)
        lock.release()
