"""One kept result: what goes in, what comes out, and how damage is noticed."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fairkd
from fairkd.errors import StoreError
from fairkd.store import records

if TYPE_CHECKING:
    from torch import Tensor

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
MANIFEST = "entry.json"
TENSORS = "tensors.safetensors"
RECORD = "record.json"


class DamagedError(Exception):
    """An entry that is not what was written; the text says what is wrong with it."""


@dataclass(frozen=True)
class Content:
    """What an entry keeps; any part may be missing.

    Attributes:
        tensors: named tensors of any shape and device; each is kept as a copy of its own.
        record: plain values; floats, NaN and infinities included, come back bit for bit.
        files: further files by name, as bytes or as the path of a file to copy.
        about: plain values that say what the entry is, for whoever lists the store.
    """

    tensors: "Mapping[str, Tensor] | None" = None
    record: Mapping[str, object] | None = None
    files: Mapping[str, bytes | Path] = field(default_factory=dict)
    about: Mapping[str, object] = field(default_factory=dict)

    def to_files(self) -> dict[str, bytes]:
        """Every file of the entry but its manifest, by name.

        Raises:
            StoreError: a record that JSON cannot keep, or a file's name that is taken or no name.
        """
        written: dict[str, bytes] = {}
        if self.tensors is not None:
            written[TENSORS] = tensor_bytes(self.tensors)
        if self.record is not None:
            written[RECORD] = records.encode(self.record)
        for name, source in self.files.items():
            if name in (MANIFEST, TENSORS, RECORD) or not NAME.fullmatch(name):
                raise StoreError(
                    f"An entry cannot hold a file named '{name}'; choose another name."
                )
            written[name] = source if isinstance(source, bytes) else source.read_bytes()
        return written


@dataclass(frozen=True)
class Entry:
    """A whole entry, as it stood when it was looked up.

    Attributes:
        kind: what sort of result this is ("teacher", "evaluation", ...).
        key: the hash of what produced it.
        path: its folder.
        about: what its maker said about it.
        files: the size in bytes of each of its files.
        version: the fairkd version that wrote it.
        created: when it was written, in UTC, as ISO 8601.
    """

    kind: str
    key: str
    path: Path
    about: Mapping[str, Any]
    files: Mapping[str, int]
    version: str
    created: str

    @property
    def size(self) -> int:
        """All files together, in bytes."""
        return sum(self.files.values())

    def tensors(self) -> "dict[str, Tensor]":
        """The kept tensors, read now, on the CPU.

        Raises:
            StoreError: the entry keeps none.
        """
        from safetensors.torch import load_file  # torch takes seconds to load; listing needs none

        return load_file(self.file(TENSORS))

    @cached_property
    def record(self) -> dict[str, Any]:
        """The kept record.

        Raises:
            StoreError: the entry keeps none.
        """
        return records.decode(self.file(RECORD).read_bytes())

    def file(self, name: str) -> Path:
        """The path of one of the entry's files.

        Raises:
            StoreError: the entry has no such file, or was removed since it was looked up.
        """
        path = self.path / name
        if name not in self.files:
            held = ", ".join(sorted(self.files)) or "nothing"
            raise StoreError(f"{self.kind} {self.key} keeps no {name}; it keeps {held}.")
        if not path.is_file():
            raise StoreError(f"{path} was removed while it was in use; run the command again.")
        return path


def manifest(kind: str, key: str, about: Mapping[str, object], files: Mapping[str, bytes]) -> bytes:
    """The text of ``entry.json``: what the entry is, and checksums of all, itself included.

    Raises:
        StoreError: ``about`` holds a value that JSON cannot keep.
    """
    entry = {
        "kind": kind,
        "key": key,
        "about": json.loads(records.encode(about)),
        "files": {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for name, data in sorted(files.items())
        },
        "fairkd": fairkd.__version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    whole = {"entry": entry, "sha256": _checksum(entry)}
    return (json.dumps(whole, indent=1, allow_nan=False) + "\n").encode()


def read(kind: str, key: str, path: Path) -> Entry:
    """The entry in a folder, by its manifest alone.

    Raises:
        DamagedError: the manifest is missing, changed, or belongs to another entry.
    """
    entry = _manifest(path)
    if (entry["kind"], entry["key"]) != (kind, key):
        raise DamagedError(f"{MANIFEST} belongs to {entry['kind']} {entry['key']}")
    return Entry(
        kind=kind,
        key=key,
        path=path,
        about=records.decode(json.dumps(entry["about"]).encode()),
        files={name: file["bytes"] for name, file in entry["files"].items()},
        version=entry["fairkd"],
        created=entry["created"],
    )


def verify(entry: Entry) -> None:
    """Compare every file of an entry with its checksum.

    Raises:
        DamagedError: a file is missing or changed.
    """
    for name, file in _manifest(entry.path)["files"].items():
        try:
            with (entry.path / name).open("rb") as opened:
                found = hashlib.file_digest(opened, "sha256").hexdigest()
        except PermissionError:
            raise
        except OSError as error:
            raise DamagedError(f"{name} cannot be read ({error.strerror})") from error
        if found != file["sha256"]:
            raise DamagedError(f"{name} does not match its checksum")


def touch(path: Path) -> None:
    """Note that an entry was used now; in a store that cannot be written, it is not noted."""
    with suppress(OSError):
        os.utime(path / MANIFEST)


def last_used(path: Path) -> float:
    """When an entry was last looked up, or else written, in seconds since 1970; 0 if unknown."""
    try:
        return (path / MANIFEST).stat().st_mtime
    except OSError:
        return 0.0


def _manifest(path: Path) -> dict[str, Any]:
    try:
        whole = json.loads((path / MANIFEST).read_bytes())
        entry, checksum = whole["entry"], whole["sha256"]
    except PermissionError:
        raise
    except OSError as error:
        raise DamagedError(f"{MANIFEST} cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedError(f"{MANIFEST} is not a whole manifest") from error
    if not isinstance(entry, dict) or checksum != _checksum(entry):
        raise DamagedError(f"{MANIFEST} does not match its own checksum")
    return entry


def _checksum(entry: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()


def tensor_bytes(tensors: "Mapping[str, Tensor]") -> bytes:
    """Named tensors as safetensors, each with memory of its own."""
    import torch
    from safetensors.torch import save

    # safetensors refuses tensors that share memory, such as two members of one stack.
    return save(
        {
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, tensor in tensors.items()
        }
    )
