"""The numbers that a comparison varies."""

from collections.abc import Mapping, Sequence

from fairkd.sweeps.summary import Row


def number_of(row: Row, key: str) -> float | None:
    """A configuration's value of a varied key; ``None`` where it is no number."""
    value = row.varied.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def varied_numbers(rows: Sequence[Row]) -> list[str]:
    """The varied keys that have at least two different numbers, in their order."""
    keys = dict.fromkeys(key for row in rows for key in row.varied)
    return [key for key in keys if len({number_of(row, key) for row in rows} - {None}) > 1]


def other_values(rows: Sequence[Row], without: Sequence[str]) -> list[Mapping[str, object]]:
    """What each row varies beside some keys."""
    return [{key: v for key, v in row.varied.items() if key not in without} for row in rows]
