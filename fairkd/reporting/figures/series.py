"""By what a comparison's configurations are told apart in colour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fairkd.sweeps.labels import columns
from fairkd.sweeps.outcome import TARGET
from fairkd.sweeps.summary import Row

METHODS = ("distillation", "constraint", "baseline", "compression")
MOST_NUMBERS = 6
"""More values of a number than this are a colour scale."""


@dataclass(frozen=True)
class Series:
    """Configurations by one property.

    Attributes:
        heading: the property; empty where there is nothing to tell apart.
        places: by its value, as text, the places of the rows; numbers ascend.
        scale: each row's number where there are too many for a colour each.
    """

    heading: str
    places: Mapping[str, list[int]]
    scale: list[float] | None = None


def series_of(rows: Sequence[Row]) -> Series:
    """The methods where they vary, else the first varied key."""
    found = columns([row.varied for row in rows])
    methods = [heading for heading in found if _is_method(heading, rows)]
    chosen = methods or list(found)[:1]
    heading = ", ".join(chosen)
    texts = [", ".join(found[name][place] for name in chosen) for place in range(len(rows))]
    numbers = _numbers(texts)
    if numbers is not None and len(set(numbers)) > MOST_NUMBERS:
        return Series(heading, {}, numbers)
    by_text: dict[str, list[int]] = {}
    order = (
        range(len(rows)) if numbers is None else sorted(range(len(rows)), key=numbers.__getitem__)
    )
    for place in order:
        by_text.setdefault(texts[place], []).append(place)
    return Series(heading, by_text)


def _is_method(heading: str, rows: Sequence[Row]) -> bool:
    """Whether a heading of `columns` says which method, and not with which numbers."""
    if heading.removesuffix(".terms") in METHODS:
        return True
    named = heading.partition(".")[0] in METHODS
    return named and any(f"{heading}{TARGET}" in row.varied for row in rows)


def _numbers(texts: Sequence[str]) -> list[float] | None:
    try:
        return [float(text) for text in texts]
    except ValueError:
        return None
