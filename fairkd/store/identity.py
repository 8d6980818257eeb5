"""When two configurations are the same computation: canonical JSON and its hash."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence

from fairkd.errors import ConfigError


def canonical(value: object) -> str:
    """The one JSON text of a plain configuration; equal configurations give equal texts.

    Keys are sorted; a number equals itself whatever its type (``1`` and ``1.0``, ``0`` and
    ``-0.0``); ``True`` is not ``1``; a tuple is a list. The text is ASCII.

    Args:
        value: nested mappings with text keys, lists, tuples, text, numbers, booleans and None.

    Raises:
        ConfigError: NaN or infinity, a key that is not text, or a value of any other type.
    """
    return json.dumps(_plain(value, ""), sort_keys=True, separators=(",", ":"), allow_nan=False)


def content_key(parts: Mapping[str, object]) -> str:
    """The first 32 hexadecimal digits of the SHA-256 of ``canonical(parts)``.

    Raises:
        ConfigError: as `canonical`.
    """
    return hashlib.sha256(canonical(parts).encode("ascii")).hexdigest()[:32]


def _plain(value: object, where: str) -> object:
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return _number(value, where)
    if isinstance(value, Mapping):
        return {_text(key, where): _plain(item, _below(where, key)) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_plain(item, _below(where, place)) for place, item in enumerate(value)]
    raise ConfigError(
        f"{where or 'The configuration'} holds a {type(value).__name__}, which has no identity; "
        "accepted: mappings, lists, text, numbers, true, false and null."
    )


def _number(value: float, where: str) -> float | int:
    if not math.isfinite(value):
        raise ConfigError(
            f"{where or 'The configuration'}={value} is not a finite number, so it does not "
            "identify a computation; give a finite number."
        )
    return int(value) if value.is_integer() else value


def _text(key: object, where: str) -> str:
    if isinstance(key, str):
        return key
    raise ConfigError(
        f"{where or 'The configuration'} has the key {key!r}, which is not text; put it in quotes."
    )


def _below(where: str, key: object) -> str:
    return f"{where}.{key}" if where else str(key)
