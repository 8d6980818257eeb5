"""The terminal that results are shown on."""

import os
from collections.abc import Mapping

from rich.console import Console

_PLAIN_WIDTH = 100


def wide_console() -> Console:
    """As wide as the terminal, or as the user says; otherwise wide enough for every table."""
    known = "COLUMNS" in os.environ or Console().is_terminal
    return Console(width=None if known else _PLAIN_WIDTH)


def show_places(console: Console, places: Mapping[str, str]) -> None:
    """Where the results are and what to type next, a line each, as ``run     http://...``."""
    for name, text in places.items():
        console.print(f"{name:<8}{text}", highlight=False, soft_wrap=True, markup=False)
