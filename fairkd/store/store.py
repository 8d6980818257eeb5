"""The store: look up, compute once, put in place in one step."""

import errno
import logging
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from fairkd.errors import StoreError
from fairkd.store import entry as entries
from fairkd.store.entry import MANIFEST, NAME, Content, DamagedError, Entry
from fairkd.store.survey import OWN
from fairkd.store.workspace import Workspace, sweep

_log = logging.getLogger(__name__)

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Store:
    """Kept results in ``<root>/<kind>/<key>/``, shared by any number of processes.

    Looking up creates nothing; the folder appears with the first entry. What processes that died
    left behind in ``<root>/tmp`` is removed when a store is opened.

    Args:
        root: the store's folder (the configuration's ``paths.store``).
        made: kinds and keys that another process computed for the same command; they are not
            computed again, although forced.

    Raises:
        StoreError: ``root`` cannot be a folder.
    """

    def __init__(self, root: Path, made: Collection[tuple[str, str]] = ()) -> None:
        self.root = Path(root).absolute()
        there = next(path for path in (self.root, *self.root.parents) if os.path.lexists(path))
        if not there.is_dir():
            raise StoreError(
                f"paths.store={self.root} cannot be a folder: {there} is a file, not a folder; "
                "set paths.store to another place."
            )
        self._made = set(made)
        sweep(self.root / "tmp")

    @property
    def made(self) -> frozenset[tuple[str, str]]:
        """The kinds and keys computed so far, by `get_or_make` or by who gave them at the start."""
        return frozenset(self._made)

    def note_made(self, made: Collection[tuple[str, str]]) -> None:
        """Take note of what another process computed for the same command."""
        self._made |= set(made)

    def get(self, kind: str, key: str) -> Entry | None:
        """The entry, if it is there and every byte of it is what was written; it counts as used.

        A damaged entry is named in one warning, removed, and counts as absent.

        Raises:
            StoreError: the entry may not be read.
        """
        path = self._place(kind, key)
        found = self._intact(kind, key, path)
        if found is not None:
            entries.touch(path)
        return found

    def _intact(self, kind: str, key: str, path: Path) -> Entry | None:
        with self._accessible(f"read {kind} {key}"):
            try:
                return self._whole(kind, key)
            except DamagedError:
                # It may only have been replaced while we read; whoever replaces holds the lock.
                with self.lock(kind, key):
                    try:
                        return self._whole(kind, key)
                    except DamagedError as damage:
                        _log.warning("%s is damaged and was removed: %s.", path, damage)
                        self._remove(path)
                        return None

    def holds(self, kind: str, key: str) -> bool:
        """Whether `get` would find the entry; a damaged one counts as absent and is left alone.

        Raises:
            StoreError: the entry may not be read.
        """
        with self._accessible(f"read {kind} {key}"):
            try:
                return self._whole(kind, key) is not None
            except DamagedError:
                return False

    def put(self, kind: str, key: str, content: Content) -> Entry:
        """Keep a result, in place of what was under the key before.

        Raises:
            StoreError: the store cannot be written, or the content cannot be kept; nothing of it
                is left behind then.
        """
        place = self._place(kind, key)
        files = content.to_files()
        files[MANIFEST] = entries.manifest(kind, key, content.about, files)
        needed = sum(map(len, files.values()))
        with self._accessible(f"keep {kind} {key}", needed), self.lock(kind, key):
            with Workspace(self.root / "tmp") as workspace:
                workspace.write(files)
                workspace.move_to(place)
            return entries.read(kind, key, place)

    def get_or_make(
        self, kind: str, key: str, make: Callable[[], Content], force: bool = False
    ) -> tuple[Entry, bool]:
        """The entry, computed now if need be, by one process and one thread at a time.

        Args:
            kind: what sort of result.
            key: the hash of what produces it.
            make: computes the content.
            force: compute although an entry is there, unless this store already computed it.

        Returns:
            The entry, and whether ``make`` was called.

        Raises:
            StoreError: as `get` and `put`.
        """
        again = force and (kind, key) not in self._made
        if not again and (found := self.get(kind, key)):
            return found, False
        with self.lock(kind, key):
            if not again and (found := self.get(kind, key)):
                return found, False
            entry = self.put(kind, key, make())
            self._made.add((kind, key))
            return entry, True

    def current(self, kind: str, key: str, *, force: bool = False) -> Entry | None:
        """The entry, unless it is forced and not yet computed in this command.

        Raises:
            StoreError: as `get`.
        """
        if force and (kind, key) not in self._made:
            return None
        return self.get(kind, key)

    def renew(self, kind: str, key: str, content: Content) -> Entry:
        """`put` an entry that was computed now; it is not computed again, although forced.

        Raises:
            StoreError: as `put`.
        """
        entry = self.put(kind, key, content)
        self._made.add((kind, key))
        return entry

    @contextmanager
    def claim(self, kind: str, keys: Collection[str]) -> Iterator[frozenset[str]]:
        """Hold those of many entries that nobody else holds, without waiting for the others.

        Raises:
            StoreError: a lock's file cannot be made.
        """
        claimed: dict[str, FileLock] = {}
        try:
            with self._accessible(f"lock {kind} entries"):
                for key in sorted(keys):
                    self._place(kind, key)
                    path = self.root / "locks" / kind / f"{key}.lock"
                    lock = FileLock(path, is_singleton=True)
                    with suppress(Timeout):
                        lock.acquire(blocking=False)
                        claimed[key] = lock
            yield frozenset(claimed)
        finally:
            for lock in claimed.values():
                lock.release()

    @contextmanager
    def lock(self, kind: str, key: str) -> Iterator[None]:
        """Hold the entry against every other process and thread; the holder may lock it again.

        Raises:
            StoreError: the lock's file cannot be made.
        """
        self._place(kind, key)
        path = self.root / "locks" / kind / f"{key}.lock"
        with self._accessible(f"lock {kind} {key}"):
            lock = FileLock(path, is_singleton=True)
            try:
                lock.acquire(blocking=False)
            except Timeout:
                _log.info("Waiting for %s %s, which another process is computing.", kind, key)
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def entries(self, kind: str | None = None) -> Iterator[Entry]:
        """Every entry whose manifest is whole, by kind and key; the other files are not read.

        Raises:
            StoreError: the store may not be read.
        """
        with self._accessible("list the store"):
            folders = sorted(self.root.glob(f"{kind or '*'}/*/"))
        for path in folders:
            if path.parent.name in OWN:
                continue
            try:
                yield entries.read(path.parent.name, path.name, path)
            except (DamagedError, PermissionError) as damage:
                _log.warning("%s is damaged: %s.", path, damage)

    def _whole(self, kind: str, key: str) -> Entry | None:
        place = self._place(kind, key)
        if not place.exists():
            return None
        entry = entries.read(kind, key, place)
        entries.verify(entry)
        return entry

    def _remove(self, path: Path) -> None:
        with Workspace(self.root / "tmp") as workspace:
            workspace.take(path)

    def _place(self, kind: str, key: str) -> Path:
        if kind in OWN or not NAME.fullmatch(kind) or not NAME.fullmatch(key):
            raise StoreError(
                f"'{kind}/{key}' cannot name an entry; a kind and a key are letters, digits, dots, "
                f"dashes and underscores, and a kind is not {' or '.join(OWN)}."
            )
        return self.root / kind / key

    @contextmanager
    def _accessible(self, purpose: str, needed: int = 0) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in _FULL:
                raise StoreError(self._full(purpose, needed, error)) from error
            raise StoreError(
                f"The store at {self.root} could not {purpose} ({error.strerror or error}); "
                "set paths.store to a folder you can read and write."
            ) from error

    def _full(self, purpose: str, needed: int, error: OSError) -> str:
        there = next(folder for folder in (self.root, *self.root.parents) if folder.is_dir())
        free = shutil.disk_usage(there).free
        return (
            f"The store at {self.root} could not {purpose}: {error.strerror} ({_mib(needed)} "
            f"needed, {_mib(free)} free on its disk). Nothing half-written was left; free some "
            "space or a quota, or set paths.store to a folder on another disk."
        )


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"
