"""``fairkd store``: what is kept, whether it is whole, and making room."""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from fairkd.errors import StoreError, unknown_name
from fairkd.store.collection import collect
from fairkd.store.size import parse_size, shown_size
from fairkd.store.survey import Found, survey

USAGE = """\
fairkd store list                 kinds of entries: how many, how large, the newest
fairkd store list --kind KIND     every entry of one kind, the last used first
fairkd store verify               compare every entry with its checksums; exit code 1 if one differs
fairkd store gc --limit SIZE      remove damaged entries and what dead processes left, then what was
                                  used longest ago, until SIZE (500MB, 5GiB, 2e9) is left

Options
  --store PATH    the store's folder (else $FAIRKD_STORE, else ./store)
  --json          list: for machines
  --dry-run       gc: say what would go, and remove nothing
Without --limit, gc removes only what is damaged or left behind.
"""
USAGE_ERROR = 2
_OPTIONS: dict[str, set[str]] = {
    "list": {"kind", "json"},
    "verify": set(),
    "gc": {"limit", "dry_run"},
}
_SHOWN = 20


def store(arguments: Sequence[str]) -> int:
    """Run ``fairkd store ...`` and return the exit code: 2 for wrong usage."""
    if {"-h", "--help"} & set(arguments):
        print(USAGE, end="")
        return 0
    if not arguments:
        print(USAGE, end="", file=sys.stderr)
        return USAGE_ERROR
    try:
        given = _parsed(arguments)
    except _UsageError as problem:
        print(f"fairkd store: {problem}.\n{USAGE}", end="", file=sys.stderr)
        return USAGE_ERROR
    root = Path(given.store or os.environ.get("FAIRKD_STORE") or "store").absolute()
    match given.command:
        case "list":
            from fairkd.commands.store_list import show

            show(root, given.kind, given.json)
            return 0
        case "verify":
            return _verify(root)
        case _:
            return _collect(root, given)


class _UsageError(Exception):
    """What is wrong with the arguments, without a full stop."""


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _UsageError(message)


def _parsed(arguments: Sequence[str]) -> Namespace:
    parser = _Parser(prog="fairkd store", add_help=False, allow_abbrev=False)
    parser.add_argument("command")
    parser.add_argument("--store", metavar="PATH")
    parser.add_argument("--kind")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--limit", metavar="SIZE")
    parser.add_argument("--dry-run", action="store_true")
    given = parser.parse_args(arguments)
    if given.command not in _OPTIONS:
        raise _UsageError(unknown_name("command", given.command, _OPTIONS).rstrip("."))
    for option in ("kind", "json", "limit", "dry_run"):
        if getattr(given, option) and option not in _OPTIONS[given.command]:
            raise _UsageError(f"{given.command} takes no --{option.replace('_', '-')}")
    try:
        given.limit = None if given.limit is None else parse_size(given.limit)
    except StoreError as problem:
        raise _UsageError(str(problem).rstrip(".")) from problem
    return given


def _verify(root: Path) -> int:
    found = survey(root)
    damaged: list[tuple[Found, str]] = []
    for entry in _watched(found):
        try:
            reason = entry.damage()
        except PermissionError as error:
            reason = f"{error.filename} may not be read"
        if reason is not None:
            damaged.append((entry, reason))
    for entry, reason in damaged:
        print(f"{entry.kind} {entry.key} is damaged: {reason}.")
    held = _counted(len(found), sum(entry.size for entry in found))
    print(f"{root}: {held}, {len(damaged):,} damaged.")
    if damaged:
        print("A job that needs a damaged entry computes it again; fairkd store gc removes it now.")
    return 1 if damaged else 0


def _collect(root: Path, given: Namespace) -> int:
    done = collect(root, given.limit, given.dry_run, _watched)
    verb = "Would remove" if given.dry_run else "Removed"
    for removal in done.removed[:_SHOWN]:
        entry = removal.found
        print(f"{entry.kind} {entry.key}  {shown_size(entry.size)}  {removal.reason}")
    if len(done.removed) > _SHOWN:
        print(f"and {len(done.removed) - _SHOWN:,} more")
    removed = _counted(len(done.removed), sum(removal.found.size for removal in done.removed))
    left = "would be left" if given.dry_run else "left"
    print(f"{verb} {removed}; {left} in {root}: {_counted(done.kept, done.size)}.")
    if done.left_behind:
        print(f"{verb} {shown_size(done.left_behind)} half-written by processes that died.")
    if done.locked:
        print(f"Kept, because another process holds them: {done.locked:,}.")
    return 0


def _counted(entries: int, size: int) -> str:
    return f"{entries:,} {'entry' if entries == 1 else 'entries'} ({shown_size(size)})"


def _watched(found: Sequence[Found]) -> Iterator[Found]:
    """The entries, with a bar by bytes on a terminal while they are read."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Verifying", total=sum(entry.size for entry in found))
        for entry in found:
            yield entry
            progress.advance(task, entry.size)
