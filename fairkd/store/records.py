"""Records as standard JSON that gives back every float bit for bit."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from fairkd.errors import StoreError

_MARK = "$float"
_SPECIAL = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def encode(record: Mapping[str, object]) -> bytes:
    """A record as JSON text in UTF-8.

    NaN and the infinities, for which JSON has no number, become ``{"$float": "nan"}``, ``"inf"``
    and ``"-inf"``. Tuples become lists.

    Raises:
        StoreError: a value that JSON does not have, a key that is not text, or the key ``$float``.
    """
    # On one line: Python's fast encoder knows no indentation.
    return (json.dumps(_outward(record, "record"), allow_nan=False) + "\n").encode()


def decode(text: bytes) -> dict[str, Any]:
    """The record that `encode` wrote.

    Raises:
        ValueError: the text is not such a record.
    """
    record = json.loads(text, object_hook=_inward, parse_constant=_refuse)
    if not isinstance(record, dict):
        raise ValueError("it does not hold a JSON object")
    return record


def _outward(value: object, where: str) -> object:
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {_MARK: str(float(value))}
    if isinstance(value, Mapping):
        return {_key(key, where): _outward(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_outward(item, f"{where}[{place}]") for place, item in enumerate(value)]
    raise StoreError(
        f"{where} is a {type(value).__name__}, which a record cannot keep; accepted: mappings, "
        "lists, text, numbers, true, false and None (tensors belong in tensors)."
    )


def _key(key: object, where: str) -> str:
    if isinstance(key, str) and key != _MARK:
        return key
    raise StoreError(f"{where} has the key {key!r}; a record's keys are text other than '{_MARK}'.")


def _inward(item: dict[str, Any]) -> object:
    if item.keys() != {_MARK}:
        return item
    if item[_MARK] not in _SPECIAL:
        raise ValueError(f"it holds the unknown number {item[_MARK]!r}")
    return _SPECIAL[item[_MARK]]


def _refuse(constant: str) -> object:
    raise ValueError(f"it holds {constant}, which is not standard JSON")
