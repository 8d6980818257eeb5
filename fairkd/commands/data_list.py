"""``fairkd data list``: every data set by its name."""

import textwrap
from collections.abc import Iterator, Sequence

from fairkd.data.catalogue import Entry, entries
from fairkd.store.size import shown_size

WIDTH = 100
_INDENT = 16
_END = (
    "Your own: data=table (CSV, Parquet), data=images. What is not cached is fetched at first use, "
    "or with fairkd data fetch NAME. What is in one: fairkd data describe data=NAME"
)


def show_list() -> None:
    """Print the catalogue in `WIDTH` columns."""
    print("\n".join(lines(entries())))


def lines(found: Sequence[Entry]) -> Iterator[str]:
    """The catalogue as text: a line of facts, below it the source and the licence."""
    yield _line("name", "rows", "label", "groups", "download", "cached")
    for entry in found:
        yield ""
        yield _line(
            entry.name,
            f"{entry.rows:,}",
            entry.label,
            ", ".join(entry.groups),
            shown_size(entry.size) if entry.needs_download else "none",
            _cached(entry),
        )
        yield from _wrapped(f"{entry.source}. Licence: {entry.licence}", _INDENT)
    yield ""
    yield from _wrapped(_END, 0)


def _cached(entry: Entry) -> str:
    if entry.folder is not None:
        return "yes" if entry.cached else "no: data.path"
    return "yes" if entry.cached else "no"


def _line(name: str, rows: str, label: str, groups: str, size: str, cached: str) -> str:
    line = f"{name:<15} {rows:>7}  {label:<16} {groups:<34} {size:>8}  {cached}"
    return line.rstrip()


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent,
        break_on_hyphens=False,
    )  # fmt: skip
