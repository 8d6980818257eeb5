"""Memory of a table: whether it fits, asked before it is read, and what is given back."""

import sys
from collections.abc import Callable
from ctypes import CDLL
from functools import cache

import psutil

from fairkd.checks import number
from fairkd.errors import DataError

COPIES = 3
"""The table itself, its tensors, and what single rows need while they are measured."""
GIB = 2**30


def check_fits(origin: str, read_bytes: float, *, key: str, memory_gib: float | None) -> None:
    """Refuse a table that would not fit.

    Args:
        origin: the table, for the sentence.
        read_bytes: about what all its columns take once read, in bytes.
        key: the section of its keys (``data``).
        memory_gib: what it may take, in GiB; None for what the machine has free now.

    Raises:
        DataError: it needs more, with both numbers and what to do.
        ConfigError: a limit that is no number above 0.
    """
    if memory_gib is None:
        limit, whose = float(psutil.virtual_memory().available), "are free"
    else:
        limit = number(f"{key}.memory_gib", memory_gib, above=0.0) * GIB
        whose = f"are allowed by {key}.memory_gib"
    needed = read_bytes * COPIES
    if needed > limit:
        raise DataError(
            f"{origin} would take about {_gib(needed)} GiB ({_gib(read_bytes)} GiB of values, and "
            f"{COPIES} copies of them until they are prepared), and {_gib(limit)} GiB {whose}; "
            f"read fewer columns with {key}.columns=[...], name a file with a sample of the rows, "
            f"or use a machine with more memory. If the estimate is wrong, set {key}.memory_gib."
        )


def give_back() -> None:
    """Hand memory that a table needed for a while, and libraries keep, back to the system."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    if (trim := _trim()) is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """The C library's ``malloc_trim``; only GNU's has one."""
    if sys.platform != "linux":
        return None
    found: Callable[[int], int] | None = getattr(CDLL(None), "malloc_trim", None)
    return found


def _gib(amount: float) -> str:
    return f"{amount / GIB:,.1f}" if amount >= GIB else f"{amount / GIB:.2g}"
