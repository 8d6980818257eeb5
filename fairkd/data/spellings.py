"""Text whose spelling makes other values of it: upper and lower case, accents, hidden letters."""

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from fairkd.data.values import as_text, is_number
from fairkd.errors import DataError

_MOST_VALUES = 1_000
_SHOWN = 3


def spellings(column: "pd.Series[Any]") -> list[tuple[str, ...]]:
    """The values of a column that differ in case alone, each set in its order; mostly none.

    Columns of numbers, and of more different texts than categories have, have none.
    """
    return _alike(column, str.casefold)


def lookalikes(column: "pd.Series[Any]") -> list[tuple[str, ...]]:
    """The values that look the same: accents, spaces or hidden letters are written differently."""
    return _alike(column, _seen_as)


def _alike(column: "pd.Series[Any]", folded: Callable[[str], str]) -> list[tuple[str, ...]]:
    if is_number(column) or isinstance(column.dtype, pd.CategoricalDtype):
        return []
    texts = pd.unique(pd.Series(as_text(column)).dropna())
    if len(texts) > _MOST_VALUES:
        return []
    found: dict[str, list[str]] = {}
    for text in sorted(map(str, texts)):
        found.setdefault(folded(text), []).append(text)
    return [tuple(alike) for alike in found.values() if len(alike) > 1]


def _seen_as(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    return " ".join("".join(one for one in plain if unicodedata.category(one) != "Cf").split())


def told_spellings(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """A line for each column of text with such values."""
    lines = []
    for name in columns:
        if found := spellings(frame[name]):
            lines.append(
                f"{name}: {_shown(found)} differ in case alone and are taken for different values; "
                "data.lower_case=true makes them one"
            )
        if found := lookalikes(frame[name]):
            lines.append(f"{name}: {_escaped(found)} look alike and are taken for different values")
    return lines


def refuse_spellings(frame: pd.DataFrame, key: str, column: str) -> None:
    """Refuse a label or group of which two values differ in case alone, or look alike.

    Raises:
        DataError: it names them, and the key that makes them one.
    """
    if found := spellings(frame[column]):
        raise DataError(
            f"The column '{column}' in {key} holds {_shown(found)}, which differ in case alone; "
            "set data.lower_case=true to read all text in lower case, or give them one spelling."
        )
    if found := lookalikes(frame[column]):
        raise DataError(
            f"The column '{column}' in {key} holds {_escaped(found)}, which look alike and are "
            "written differently; give them one spelling."
        )


def _escaped(found: Sequence[tuple[str, ...]]) -> str:
    """With the code points of what is not ASCII, as the eye sees no difference."""
    return _shown([tuple(ascii(text)[1:-1] for text in alike) for alike in found])


def _shown(found: Sequence[tuple[str, ...]]) -> str:
    shown = "; ".join(" and ".join(f"'{text}'" for text in alike) for alike in found[:_SHOWN])
    return f"{shown} and others" if len(found) > _SHOWN else shown
