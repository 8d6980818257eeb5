"""How rows are divided into splits, as configured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fairkd.checks import as_typed, choice
from fairkd.data.split_names import CERTIFY, SPLITS
from fairkd.errors import ConfigError, unknown_name

WAYS = ("stratified", "random", "column", "time", "entity")
PARTS = (*SPLITS, CERTIFY)
_BY_COLUMN = {
    "column": "the column that names each row's part",
    "time": "the column of numbers or dates by which rows are ordered",
    "entity": "the column that tells whose row it is",
}


def _own_names() -> dict[str, tuple[object, ...]]:
    return {part: (part,) for part in PARTS}


@dataclass(frozen=True)
class Splitting:
    """The way rows are divided, and the column it reads.

    Attributes:
        by: ``stratified`` on the label, ``random``, or by a ``column`` that names the parts, by
            ``time``, or by ``entity`` (all rows of one in one split).
        column: the column that the last three read.
        parts: for each split, the values of the column that stand for it.
    """

    by: str = "stratified"
    column: str | None = None
    parts: Mapping[str, tuple[object, ...]] = field(default_factory=_own_names)

    @classmethod
    def of(cls, given: Mapping[str, Any] | None) -> "Splitting":
        """Check a configured mapping with the keys ``by``, ``column`` and ``parts``.

        Raises:
            ConfigError: no mapping, an unknown key or way, a column that is missing or has no
                effect, or a value that stands for two parts.
        """
        keys = ("by", "column", "parts")
        if given is not None and not isinstance(given, Mapping):
            raise ConfigError(
                f"data.split={as_typed(given)} is no mapping; accepted: {', '.join(keys)}, as in "
                "data.split.by=random."
            )
        for key in given or {}:
            if key not in keys:
                raise ConfigError(unknown_name("key of data.split", key, keys))
        values = given or {}
        by = choice("data.split.by", values.get("by", "stratified"), WAYS)
        column = values.get("column")
        if by in _BY_COLUMN and (not isinstance(column, str) or not column):
            raise ConfigError(
                f"data.split.by={by} needs data.split.column, {_BY_COLUMN[by]}; it is "
                f"{as_typed(column)}."
            )
        if by not in _BY_COLUMN and column is not None:
            raise ConfigError(
                f"data.split.column={as_typed(column)} has no effect with data.split.by={by}; "
                f"leave it null, or choose {', '.join(_BY_COLUMN)}."
            )
        parts = _parts(values.get("parts"))
        if by != "column" and parts != _own_names():
            raise ConfigError(
                f"data.split.parts has no effect with data.split.by={by}; leave it as it is, or "
                "choose data.split.by=column."
            )
        return cls(by, column, parts)

    @property
    def idle(self) -> bool:
        """Whether rows are divided as they are where nothing is configured."""
        return self == type(self)()


def _parts(given: object) -> dict[str, tuple[object, ...]]:
    if given is None:
        return _own_names()
    if not isinstance(given, Mapping):
        raise ConfigError(
            f"data.split.parts={as_typed(given)} is no mapping; accepted: values by part, as in "
            "data.split.parts.test=holdout."
        )
    parts = _own_names()
    for part, value in given.items():
        if part not in PARTS:
            raise ConfigError(unknown_name("key of data.split.parts", part, PARTS))
        if value is not None:
            parts[part] = _values(part, value)
    first: dict[str, str] = {}
    for part, values in parts.items():
        for value in map(as_typed, values):
            if value in first:
                raise ConfigError(
                    f"The value '{value}' stands for {first[value]} and for {part}; change "
                    f"data.split.parts.{part}."
                )
            first[value] = part
    return parts


def _values(part: str, given: object) -> tuple[object, ...]:
    values = tuple(given) if isinstance(given, list | tuple) else (given,)
    if not values or not all(isinstance(value, str | int | float) for value in values):
        raise ConfigError(
            f"data.split.parts.{part}={as_typed(given)} is no value of a column; accepted: a value "
            "or a list of values."
        )
    return values
