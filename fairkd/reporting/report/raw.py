"""Raw values of the data as cells of a table."""

import math
import re

from fairkd.reporting.report.document import Cell

LONGEST = 120
"""Characters of a value that a cell shows whole."""

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def raw_cell(text: str) -> Cell:
    """A value as it is written; sorted as a number where it is written as a finite one.

    Of a long text the beginning is shown, and how long it is.
    """
    if len(text) > LONGEST:
        return Cell(f"{text[:LONGEST]}\N{HORIZONTAL ELLIPSIS} ({len(text):,} characters)")
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    return Cell(text, value) if math.isfinite(value) else Cell(text)
