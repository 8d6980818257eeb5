"""Why a column of a user's table is no feature."""

import re

import numpy as np

from fairkd.data.kinds import CATEGORY, DATE, NESTED, NUMBER, Seen

FEWEST_ROWS = 20
"""With fewer values, that they all differ means nothing."""
NEARLY_ALL = 0.95
"""A column that is called an id is one where this share of its values differ."""
MOST_TEXTS = 1_000
SOME_TEXTS = 50
"""Fewer different texts than these are categories in any table ..."""
ROWS_A_TEXT = 5
"""... and more are, up to `MOST_TEXTS`, where each has so many rows on average."""

_ID_WORDS = frozenset({"id", "ids", "uid", "uuid", "guid", "identifier", "key", "index", "ssn"})
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def reason_left_out(found: Seen, name: str, is_typed: bool, is_kept: bool) -> str:
    """Why a column is no feature; empty where it is one.

    Args:
        found: the column as it was read.
        name: its name.
        is_typed: whether ``data.types`` says what it is: then it may be a date or free text.
        is_kept: whether ``data.keep`` names it: then it may be anything but nested.
    """
    if found.kind == NESTED:
        return "lists or other nested values"
    if is_kept:
        return ""
    rows = len(found.column)
    values = rows - found.missing
    if not values:
        return "no value in any row"
    if found.distinct == 1 and not found.missing:
        return "the same value in every row"
    if found.kind == DATE and not is_typed:
        return f"a date; data.types={{{name}: date}} makes it days since 1970"
    if values >= FEWEST_ROWS:
        if _is_row_number(found, values):
            return "an identifier: it numbers the rows"
        differ = f"{found.distinct:,} different values in {values:,} rows"
        if found.kind == CATEGORY and found.distinct == values:
            return f"an identifier: {differ}"
        if _is_called_id(name) and found.distinct >= NEARLY_ALL * values and _is_whole(found):
            return f"an identifier by its name: {differ}"
        if found.kind == CATEGORY and not is_typed and _is_free_text(found.distinct, values):
            return f"free text: {differ}"
    return ""


def _is_free_text(distinct: int, values: int) -> bool:
    return distinct > MOST_TEXTS or distinct > max(SOME_TEXTS, values / ROWS_A_TEXT)


def _is_row_number(found: Seen, values: int) -> bool:
    if found.kind != NUMBER or found.distinct != values or not _is_whole(found):
        return False
    return bool(found.column.max() - found.column.min() == values - 1)


def _is_whole(found: Seen) -> bool:
    if found.kind != NUMBER:
        return True
    known = found.column.dropna().to_numpy(dtype=np.float64)
    return bool(np.isfinite(known).all() and (known == np.round(known)).all())


def _is_called_id(name: str) -> bool:
    words = [word.casefold() for word in _WORDS.findall(name)]
    return bool(words) and bool({words[0], words[-1]} & _ID_WORDS)
