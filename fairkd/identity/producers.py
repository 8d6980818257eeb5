"""The key of what a producer makes of its parts, under its revision and the libraries' versions."""

import contextlib
import importlib.metadata
from collections.abc import Mapping
from functools import cache
from typing import Any

from fairkd.identity.own_sources import own_sources
from fairkd.store import content_key

Section = Mapping[str, Any]

REVISIONS = {
    "teacher": 2,
    "control": 2,
    "student": 3,
    "compressed": 2,
    "certificate": 1,
    "baseline": 1,
    "outputs": 1,
    "evaluation": 2,
    "job": 5,
}
"""Raised by hand when a producer's results change for the same configuration."""


def producer_key(producer: str, parts: Section) -> str:
    """The key of what a producer makes.

    Args:
        producer: one of `REVISIONS`.
        parts: all that its result depends on; the user's own code behind a ``_target_`` is found.
    """
    return content_key(
        {
            "producer": producer,
            "revision": REVISIONS[producer],
            "parts": parts,
            "torch": _torch_version(),
            "sources": dict(own_sources(parts)),
        }
    )


@cache
def _torch_version() -> str:
    return importlib.metadata.version("torch")  # reads and parses a long file


@cache
def versions(*libraries: str) -> dict[str, str]:
    """The versions of those libraries that are installed."""
    found = {}
    for library in libraries:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[library] = importlib.metadata.version(library)
    return found
