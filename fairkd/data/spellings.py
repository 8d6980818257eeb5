"""Text whose spelling makes other values of it: upper and lower case, decimal commas."""

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from fairkd.data.values import as_text, is_number
from fairkd.errors import DataError

_COMMA = re.compile(r"[+-]?\d+(,\d+)?")
_MOST_VALUES = 1_000
_SHOWN = 3


def spellings(column: "pd.Series[Any]") -> list[tuple[str, ...]]:
    """The values of a column that differ in case alone, each set in its order; mostly none.

    Columns of numbers, and of more different texts than categories have, have none.
    """
    if is_number(column) or isinstance(column.dtype, pd.CategoricalDtype):
        return []
    texts = pd.unique(pd.Series(as_text(column)).dropna())
    if len(texts) > _MOST_VALUES:
        return []
    found: dict[str, list[str]] = {}
    for text in sorted(map(str, texts)):
        found.setdefault(text.casefold(), []).append(text)
    return [tuple(alike) for alike in found.values() if len(alike) > 1]


def told_spellings(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """A line for each column of text with such values, or with decimal commas alone."""
    lines = []
    for name in columns:
        if found := spellings(frame[name]):
            lines.append(
                f"{name}: {_shown(found)} differ in case alone and are taken for different values; "
                "data.lower_case=true makes them one"
            )
        elif _has_commas(frame[name]):
            lines.append(
                f"{name}: numbers with decimal commas are taken for categories; data.decimal=',' "
                "makes them numbers"
            )
    return lines


def _has_commas(column: "pd.Series[Any]") -> bool:
    if is_number(column):
        return False
    texts = [str(text) for text in pd.unique(pd.Series(as_text(column)).dropna())]
    return any("," in text for text in texts) and all(map(_COMMA.fullmatch, texts))


def refuse_spellings(frame: pd.DataFrame, key: str, column: str) -> None:
    """Refuse a label or group of which two values differ in case alone.

    Raises:
        DataError: it names them, and the key that makes them one.
    """
    if found := spellings(frame[column]):
        raise DataError(
            f"The column '{column}' in {key} holds {_shown(found)}, which differ in case alone; "
            "set data.lower_case=true to read all text in lower case, or give them one spelling."
        )


def _shown(found: Sequence[tuple[str, ...]]) -> str:
    shown = "; ".join(" and ".join(f"'{text}'" for text in alike) for alike in found[:_SHOWN])
    return f"{shown} and others" if len(found) > _SHOWN else shown
