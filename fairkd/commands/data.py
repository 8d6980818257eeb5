"""``fairkd data``: what data sets there are, and fetching them ahead of time."""

import sys
from collections.abc import Sequence

from fairkd.data.catalogue import entries, fetch

USAGE = """\
fairkd data list          every data set: rows, groups, label, whether it is at hand
fairkd data fetch NAME    fetch one into the cache ($FAIRKD_DATA, else the user's cache folder)
"""
USAGE_ERROR = 2


def data(arguments: Sequence[str]) -> int:
    """Run ``fairkd data ...`` and return the exit code."""
    if {"-h", "--help"} & set(arguments):
        print(USAGE, end="")
        return 0
    match list(arguments):
        case ["describe", *words]:
            from fairkd.commands.data_describe import describe

            return describe(words)
        case ["list"]:
            return _list()
        case ["fetch", name]:
            return _fetch(name)
        case _:
            given = " ".join(["fairkd data", *arguments])
            print(f"'{given}' is not a command; accepted:\n{USAGE}", end="", file=sys.stderr)
            return USAGE_ERROR


def _list() -> int:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Data sets (data=NAME)")
    for heading in ("name", "rows", "groups", "label", "licence", "at hand"):
        table.add_column(
            heading, justify="right" if heading == "rows" else "left", no_wrap=heading == "name"
        )
    for entry in entries():
        missing = "data.path=FOLDER" if entry.folder else "fairkd data fetch NAME"
        at_hand = "yes" if entry.cached else missing
        groups = ", ".join(entry.groups)
        table.add_row(entry.name, f"{entry.rows:,}", groups, entry.label, entry.licence, at_hand)
    Console().print(table)
    return 0


def _fetch(name: str) -> int:
    folder = fetch(name)
    if folder is None:
        print(f"{name} needs no download. Next: fairkd data={name}")
    else:
        print(f"{name} is in {folder}. Next: fairkd data={name}")
    return 0
