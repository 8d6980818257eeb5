"""Text of a CSV file that parsing would change: codes that begin with 0, digits of large ids."""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from fairkd.data.kinds import EXPONENT_CODE, LARGEST_WHOLE

if TYPE_CHECKING:
    import pyarrow as pa

_CODE = re.compile(r"[+-]?0(\d+|[xX][\da-fA-F]+)")
"""A superfluous 0, or what Arrow takes for a hexadecimal number."""
_CODES = r"^\s*[+-]?0(\d+|[xX][\da-fA-F]+)\s*$"
_LONG = r"^\s*[+-]?\d{16,}\s*$"
_POINTS = r"^\s*[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?\s*$"


def codes_in(names: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The columns where some cell is a code, or all known ones are like ``10E2``.

    Args:
        names: of the columns.
        rows: their cells as text.
    """
    found: set[str] = set()
    exponents: dict[str, bool] = {}
    for row in rows:
        for name, cell in zip(names, map(str.strip, row), strict=False):
            if _CODE.fullmatch(cell):
                found.add(name)
            if cell:
                is_one = EXPONENT_CODE.fullmatch(cell) is not None
                exponents[name] = exponents.get(name, True) and is_one
    return sorted(found | {name for name, all_are in exponents.items() if all_are})


def certainly_changed(table: "pa.Table") -> list[str]:
    """The columns whose parsed values are spelled otherwise than the file's.

    ``12:30`` is a time of ``12:30:00``, and ``true`` beside missing values the object ``True``.
    """
    import pyarrow as pa

    return [
        field.name
        for field, column in zip(table.schema, table.columns, strict=True)
        if pa.types.is_time(field.type) or (pa.types.is_boolean(field.type) and column.null_count)
    ]


def perhaps_changed(table: "pa.Table", *, is_whole_known: bool) -> list[str]:
    """The columns of numbers whose text has to be looked at before the numbers are believed.

    Args:
        table: as parsed.
        is_whole_known: whether `codes_in` has seen all rows: then no whole number is in doubt.
    """
    import pyarrow as pa

    return [
        field.name
        for field, column in zip(table.schema, table.columns, strict=True)
        if (pa.types.is_integer(field.type) and not is_whole_known)
        or (pa.types.is_floating(field.type) and _reaches(column, LARGEST_WHOLE))
    ]


def holds_codes(column: Any) -> bool:
    """Whether text holds a code, or a whole number of more digits than a float64 has."""
    from pyarrow import compute

    trimmed = compute.utf8_ltrim_whitespace(column)
    zero = compute.match_substring_regex(trimmed, r"^[+-]?0.")
    doubtful = compute.or_kleene(zero, compute.greater(compute.binary_length(trimmed), 15))
    few = trimmed.filter(doubtful)
    found = compute.or_(
        compute.match_substring_regex(few, _CODES), compute.match_substring_regex(few, _LONG)
    )
    return bool(compute.any(found).as_py())


def with_points(column: Any) -> str | None:
    """Of text that is numbers with points between thousands, beside decimal commas: one of them."""
    import pyarrow as pa
    from pyarrow import compute

    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return None
    known = column.filter(compute.not_equal(compute.utf8_trim_whitespace(column), ""))
    if not len(known) or not compute.all(compute.match_substring_regex(known, _POINTS)).as_py():
        return None
    pointed = known.filter(compute.match_substring(known, "."))
    return str(pointed[0]).strip() if len(pointed) else None


def _reaches(column: Any, limit: int) -> bool:
    from pyarrow import compute

    largest = compute.max(compute.abs(column)).as_py()
    return largest is not None and largest >= limit
