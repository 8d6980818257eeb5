"""Sizes in bytes as people write and read them."""

import math
import re

from fairkd.errors import StoreError

_UNITS: dict[str, int] = {
    "": 1,
    "b": 1,
    **{unit: 1000**power for power, unit in enumerate(("kb", "mb", "gb", "tb"), 1)},
    **{unit: 1024**power for power, unit in enumerate(("kib", "mib", "gib", "tib"), 1)},
}
_SIZE = re.compile(r"(\d+(?:\.\d*)?(?:e\d+)?)\s*([a-z]*)", re.IGNORECASE)


def parse_size(text: str) -> int:
    """The number of bytes: ``5GB`` (1000s), ``5GiB`` (1024s), ``2e9``, ``0``.

    Raises:
        StoreError: the text is no size.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None or found[2].lower() not in _UNITS or not math.isfinite(float(found[1])):
        raise StoreError(
            f"'{text}' is not a size; accepted: a number of bytes such as 2e9, or with a unit, "
            "500MB, 5GB, 5GiB."
        )
    return round(float(found[1]) * _UNITS[found[2].lower()])


def shown_size(size: int) -> str:
    """A size to read, in steps of 1000: ``999 B``, ``1.5 kB``, ``20.0 MB``."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:,.1f} TB"
