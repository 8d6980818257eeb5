"""Everything in a store's folder, whole or not, without a change to any of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fairkd.errors import StoreError
from fairkd.store import entry as entries
from fairkd.store.entry import MANIFEST, NAME, RECORD, TENSORS, DamagedError, Entry

OWN = ("tmp", "locks")
"""The folders of a store that hold no entries."""


@dataclass(frozen=True)
class Found:
    """A folder that is an entry, or what is left of one.

    Attributes:
        kind: what sort of result.
        key: the hash of what produced it.
        path: the folder.
        size: all its files together, in bytes.
        used: when it was last looked up or written, in seconds since 1970; 0 if unknown.
    """

    kind: str
    key: str
    path: Path
    size: int
    used: float

    def read(self) -> Entry:
        """The entry by its manifest alone.

        Raises:
            DamagedError: the manifest is damaged.
        """
        return entries.read(self.kind, self.key, self.path)

    def damage(self) -> str | None:
        """What is wrong with the entry, every byte compared with its checksum; None if nothing.

        Raises:
            PermissionError: it may not be read, so nobody knows.
        """
        try:
            entries.verify(self.read())
        except DamagedError as damage:
            return str(damage)
        return None


def survey(root: Path, kind: str | None = None) -> list[Found]:
    """What is in a store, by kind and key.

    A folder that holds anything but a manifest or what an entry without one could hold was not
    made by a store, and is not listed.

    Args:
        root: the store's folder.
        kind: only this kind.

    Raises:
        StoreError: there is no such folder, or it may not be read.
    """
    if not root.is_dir():
        raise StoreError(
            f"There is no store at {root}; give its folder with --store PATH or in FAIRKD_STORE."
        )
    try:
        return sorted(_found(root, kind), key=lambda found: (found.kind, found.key))
    except OSError as error:
        raise StoreError(f"The store at {root} may not be read ({error}).") from error


def _found(root: Path, kind: str | None) -> Iterator[Found]:
    for path in root.glob(f"{kind or '*'}/*/"):
        if path.parent.name in OWN or path.is_symlink() or path.parent.is_symlink():
            continue
        if not (NAME.fullmatch(path.parent.name) and NAME.fullmatch(path.name)):
            continue
        sizes = _sizes(path)
        if sizes is not None:
            size, used = sum(sizes.values()), entries.last_used(path)
            yield Found(path.parent.name, path.name, path, size, used)


def _sizes(path: Path) -> dict[str, int] | None:
    """The files' sizes; None for a folder that is gone or is nobody's entry."""
    try:
        sizes = {file.name: file.stat().st_size for file in path.iterdir()}
    except FileNotFoundError:  # removed or replaced just now
        return None
    return sizes if MANIFEST in sizes or sizes.keys() <= {TENSORS, RECORD} else None
