"""``fairkd store list``: what is kept, as tables or as JSON."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairkd.errors import StoreError, unknown_name
from fairkd.store.entry import DamagedError
from fairkd.store.size import shown_size
from fairkd.store.survey import Found, survey

if TYPE_CHECKING:
    from rich.table import Table


def show(root: Path, kind: str | None, as_json: bool) -> None:
    """Print the store's kinds, or every entry of one kind, the last used first.

    Args:
        root: the store's folder.
        kind: of which kind; None for a line for each.
        as_json: for machines.

    Raises:
        StoreError: there is no such store, or no such kind in it.
    """
    found = survey(root)
    if kind is None:
        kinds = _kinds(found)
        if as_json:
            print(json.dumps({"store": str(root), "kinds": kinds}, indent=1))
        else:
            _show_kinds(root, kinds)
        return
    known = {entry.kind for entry in found}
    if kind not in known:
        raise StoreError(unknown_name("kind of entry", kind, known))
    entries = sorted(
        (_described(entry) for entry in found if entry.kind == kind),
        key=lambda entry: str(entry["used"]),
        reverse=True,
    )
    if as_json:
        print(json.dumps({"store": str(root), "kind": kind, "entries": entries}, indent=1))
    else:
        _show_entries(root, kind, entries)


def _kinds(found: Sequence[Found]) -> list[dict[str, Any]]:
    kinds: dict[str, list[Found]] = {}
    for entry in found:
        kinds.setdefault(entry.kind, []).append(entry)
    return [
        {
            "kind": kind,
            "entries": len(entries),
            "bytes": sum(entry.size for entry in entries),
            "newest": max(entry["created"] or "" for entry in map(_described, entries)) or None,
        }
        for kind, entries in sorted(kinds.items())
    ]


def _described(entry: Found) -> dict[str, Any]:
    used = datetime.fromtimestamp(entry.used, UTC).isoformat(timespec="seconds")
    known = {"key": entry.key, "bytes": entry.size, "used": used}
    try:
        read = entry.read()
    except (DamagedError, PermissionError) as damage:
        return {**known, "about": {}, "created": None, "damage": str(damage)}
    return {**known, "about": dict(read.about), "created": read.created, "damage": None}


def _show_kinds(root: Path, kinds: Sequence[dict[str, Any]]) -> None:
    if not kinds:
        print(f"The store at {root} is empty.")
        return
    table = _table("kind", "entries", "size", "newest")
    for kind in kinds:
        size = shown_size(kind["bytes"])
        table.add_row(kind["kind"], f"{kind['entries']:,}", size, _age(kind["newest"]))
    total = shown_size(sum(kind["bytes"] for kind in kinds))
    _print(table, f"{root}: {sum(kind['entries'] for kind in kinds):,} entries, {total}")


def _show_entries(root: Path, kind: str, entries: Sequence[dict[str, Any]]) -> None:
    table = _table("key", "size", "made", "used", "what")
    for entry in entries:
        what = f"damaged: {entry['damage']}" if entry["damage"] else _what(entry["about"])
        ages = _age(entry["created"]), _age(entry["used"])
        table.add_row(entry["key"], shown_size(entry["bytes"]), *ages, what)
    total = shown_size(sum(entry["bytes"] for entry in entries))
    _print(table, f"{root}: {len(entries):,} of kind {kind}, {total}")


def _what(about: Mapping[str, Any]) -> str:
    """``name`` alone, or everything its maker said."""
    if about.keys() == {"name"}:
        return str(about["name"])
    return ", ".join(f"{name} {_short(value)}" for name, value in about.items())


def _short(value: object) -> str:
    if isinstance(value, list):
        return "+".join(map(str, value)) or "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _age(moment: str | None) -> str:
    if moment is None:
        return "?"
    seconds = max(0.0, (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def _table(*headings: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for heading in headings:
        right = heading in ("entries", "size", "made", "used", "newest")
        table.add_column(
            heading,
            justify="right" if right else "left",
            no_wrap=heading != "what",
            overflow="fold",
        )
    return table


def _print(table: "Table", line: str) -> None:
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table)
    console.print(line, markup=False, highlight=False, soft_wrap=True)
