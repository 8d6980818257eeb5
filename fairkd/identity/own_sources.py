"""The user's own code behind a configuration: a change in it makes another result."""

import hashlib
import importlib.util
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path


def own_sources(value: object) -> Iterator[tuple[str, str]]:
    """For every ``_target_`` in the user's own code, the hash of the source that it may depend on.

    That is every Python file of its package, or the one file of a module outside any package.
    """
    if isinstance(value, Mapping):
        target = value.get("_target_")
        if isinstance(target, str) and (files := _source_files(target)):
            digest = hashlib.sha256()
            for file in files:
                digest.update(file.name.encode() + b"\0" + file.read_bytes())
            yield target, digest.hexdigest()
        for item in value.values():
            yield from own_sources(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from own_sources(item)


def _source_files(target: str) -> list[Path]:
    """The user's files behind a target; none for fairkd and for what is installed or built in."""
    package = target.split(".")[0]
    if package == "fairkd":
        return []
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return []
    if spec is None or spec.origin is None or not spec.has_location:
        return []
    origin = Path(spec.origin)
    installed = [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib", "stdlib")]
    if any(origin.is_relative_to(folder) for folder in installed):
        return []
    return sorted(origin.parent.rglob("*.py")) if spec.submodule_search_locations else [origin]
