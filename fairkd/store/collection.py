"""Making room in a store: what is damaged or left behind goes, then what was used longest ago."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from fairkd.errors import StoreError
from fairkd.store.entry import last_used
from fairkd.store.survey import Found, survey
from fairkd.store.workspace import Workspace, remains, sweep

LONGEST_AGO = "used longest ago"


@dataclass(frozen=True)
class Removal:
    """An entry that goes, and why."""

    found: Found
    reason: str


@dataclass(frozen=True)
class Collected:
    """What a collection removed, or would remove.

    Attributes:
        removed: entries, in the order they went.
        left_behind: bytes that dead processes had left half-written.
        kept: how many entries are left.
        size: the bytes of those.
        locked: how many entries would have gone, had not a living process held them.
    """

    removed: Sequence[Removal]
    left_behind: int
    kept: int
    size: int
    locked: int


def collect(
    root: Path,
    limit: int | None,
    dry_run: bool = False,
    watch: Callable[[Sequence[Found]], Iterator[Found]] = iter,
) -> Collected:
    """Remove damaged entries and remains, then the least recently used until the rest fits.

    Nothing that a living process is computing or replacing is removed. An entry that another
    process has just looked up may go; that process is told to run again. Whatever goes is computed
    again when a job needs it.

    Args:
        root: the store's folder.
        limit: the most bytes of entries to keep; None keeps all that are whole.
        dry_run: change nothing.
        watch: is given all entries and gives them back one by one as they are verified.

    Raises:
        StoreError: there is no such store, or it cannot be read or written.
    """
    found = survey(root)
    left_behind = remains(root / "tmp")
    if not dry_run:
        sweep(root / "tmp")
    removing = _Removing(root, dry_run)
    whole: list[Found] = []
    for entry in watch(found):
        damage = _damage(entry)
        if damage is None or not removing.remove(entry, damage, _damage):
            whole.append(entry)
    kept, size = len(whole), sum(entry.size for entry in whole)
    for entry in sorted(whole, key=lambda entry: (entry.used, entry.kind, entry.key)):
        if limit is None or size <= limit:
            break
        if removing.remove(entry, LONGEST_AGO, _unused):
            kept, size = kept - 1, size - entry.size
    return Collected(removing.removed, left_behind, kept, size, removing.locked)


def _damage(entry: Found) -> str | None:
    try:
        return entry.damage()
    except PermissionError:  # whole or not, it is for its owner to say
        return None


def _unused(entry: Found) -> str | None:
    return LONGEST_AGO if last_used(entry.path) <= entry.used else None


class _Removing:
    """Takes entries away one at a time, each under its lock."""

    def __init__(self, root: Path, dry_run: bool) -> None:
        self._root = root
        self._dry_run = dry_run
        self.removed: list[Removal] = []
        self.locked = 0

    def remove(self, entry: Found, reason: str, still: Callable[[Found], str | None]) -> bool:
        """Remove an entry, unless a process holds it or it is no longer what it was.

        Raises:
            StoreError: the store cannot be written.
        """
        try:
            with self._lock(entry) as free:
                if not free:
                    self.locked += 1
                    return False
                if not self._dry_run:
                    if still(entry) is None:
                        return False  # replaced, or used, since we looked at it
                    with Workspace(self._root / "tmp") as workspace:
                        workspace.take(entry.path)
        except FileNotFoundError:
            return True  # somebody else removed it
        except OSError as error:
            raise StoreError(
                f"{entry.path} cannot be removed ({error.strerror or error}); run the command as "
                "the user who owns the store."
            ) from error
        self.removed.append(Removal(entry, reason))
        return True

    @contextmanager
    def _lock(self, entry: Found) -> Iterator[bool]:
        path = self._root / "locks" / entry.kind / f"{entry.key}.lock"
        if self._dry_run and not path.exists():
            yield True
            return
        lock = FileLock(path)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            if not self._dry_run and not entry.path.exists():
                path.unlink(missing_ok=True)  # still held: who waits for it notices, and goes on
            lock.release()
