"""``fairkd data``: what data sets there are, what one holds, and fetching them ahead of time."""

import sys
from collections.abc import Sequence

from fairkd.data.catalogue import fetch

USAGE = """\
fairkd data list                every data set: rows, label, groups, size, licence, source
fairkd data fetch NAME          fetch one into the cache ($FAIRKD_DATA, else in the user's cache)
fairkd data describe data=NAME  what one holds: columns and what is left out, groups by split, base
                                rates, missing and small cells, which bounds it can certify

describe takes the words of a job, so of your own table too:
  fairkd data describe data=table data.path=my.csv data.label=hired data.groups=[gender,ethnicity]
It writes tables and a picture into a folder (hydra.run.dir=FOLDER), and a run into the tracking
store unless tracking=none.
"""
USAGE_ERROR = 2


def data(arguments: Sequence[str]) -> int:
    """Run ``fairkd data ...`` and return the exit code.

    Raises:
        UsageError: words of ``describe`` that set nothing.
        FairkdError: data that cannot be fetched or loaded.
    """
    if {"-h", "--help"} & set(arguments):
        print(USAGE, end="")
        return 0
    match list(arguments):
        case ["list"]:
            from fairkd.commands.data_list import show_list

            show_list()
            return 0
        case ["fetch", name]:
            return _fetch(name)
        case ["describe", *words]:
            from fairkd.commands.data_describe import describe

            return describe(words)
        case _:
            given = " ".join(["fairkd data", *arguments])
            print(f"'{given}' is not a command; accepted:\n{USAGE}", end="", file=sys.stderr)
            return USAGE_ERROR


def _fetch(name: str) -> int:
    folder = fetch(name)
    if folder is None:
        print(f"{name} needs no download. Next: fairkd data={name}")
    else:
        print(f"{name} is in {folder}. Next: fairkd data={name}")
    return 0
