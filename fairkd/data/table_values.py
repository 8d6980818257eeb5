"""What a file's values are taken for: spaces trimmed, words for missing, plain types."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fairkd.data.kinds import LARGEST_WHOLE
from fairkd.data.reading import Reading
from fairkd.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

INDEX_NAMES = ("", "Unnamed: 0", "__index_level_0__")
"""What tools call an index that they wrote as a column."""
_SHOWN = 5


def unique_names(names: Sequence[str], origin: str) -> list[str]:
    """The columns' names without spaces around them; a column may have none.

    Raises:
        DataError: a name twice.
    """
    trimmed = [name.strip() for name in names]
    for place, name in enumerate(trimmed):
        if name and name in trimmed[:place]:
            raise DataError(
                f"{origin} has the column '{name}' twice, as its columns "
                f"{trimmed.index(name) + 1} and {place + 1}; rename one of them."
            )
    return trimmed


def plain_values(table: "pa.Table", reading: Reading) -> "pa.Table":
    """The same columns with trimmed text, and in types that a frame of pandas has."""
    columns = [_plain(table.column(place), reading) for place in range(table.num_columns)]
    import pyarrow as pa

    return pa.Table.from_arrays(columns, names=table.column_names)


def taken_for_missing(table: "pa.Table", reading: Reading) -> list[str]:
    """A line of the words that stand for a missing value, and where; none where there are none.

    Args:
        table: with its text as it was read, before `plain_values`.
        reading: which words those are.
    """
    import pyarrow as pa
    from pyarrow import compute

    words = pa.array([word for word in reading.missing if word], pa.large_string())
    found = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            continue
        text = compute.utf8_trim_whitespace(column).cast(pa.large_string())
        held = text.filter(compute.is_in(text, value_set=words))
        for each in compute.value_counts(held).to_pylist():
            found.append(f"'{each['values']}' in {name} ({each['counts']:,})")
    if not found:
        return []
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return [f"taken for missing: {', '.join(found[:_SHOWN])}{more}; data.missing names the words"]


def without_index(table: "pa.Table", origin: str) -> "tuple[pa.Table, list[str]]":
    """The table without what is only an index or an empty column, and what was left out.

    Raises:
        DataError: a column without a name that holds something else.
    """
    kept, notes, empty = [], [], 0
    for place, name in enumerate(table.column_names):
        column = table.column(place)
        if name not in INDEX_NAMES:
            kept.append(place)
        elif not name and column.null_count == len(column):
            empty += 1
        elif _counts_rows(column):
            shown = f"'{name}'" if name else "without a name"
            notes.append(f"column {place + 1}, {shown}, is left out: it numbers the rows")
        elif name:
            kept.append(place)
        else:
            raise DataError(
                f"{origin} has no name for its column {place + 1}, which holds "
                f"'{column.drop_null()[0]}'; name it in the header."
            )
    if empty:
        many = "s without names are" if empty > 1 else " without a name is"
        notes.append(f"{empty} column{many} left out: no value in any row")
    return table.select(kept), notes


def _counts_rows(column: Any) -> bool:
    import pyarrow as pa
    from pyarrow import compute

    if not pa.types.is_integer(column.type) or column.null_count or not len(column):
        return False
    first = column[0].as_py()
    steps = compute.pairwise_diff(column.combine_chunks()) if len(column) > 1 else None
    return first in (0, 1) and (steps is None or compute.all(compute.equal(steps, 1)).as_py())


def _plain(column: Any, reading: Reading) -> Any:
    import pyarrow as pa
    from pyarrow import compute

    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        if pa.types.is_string_view(kind):
            column = column.cast(pa.large_string())
        text = compute.utf8_trim_whitespace(column)
        absent = compute.is_in(text, value_set=pa.array(reading.missing, text.type))
        if reading.lower_case:
            text = compute.utf8_lower(text)
        return compute.if_else(absent, pa.scalar(None, text.type), text)
    if pa.types.is_integer(kind) and _is_beyond(column):
        return column.cast(pa.string())  # beside a missing value, pandas would make it float64
    if pa.types.is_decimal(kind):
        whole = kind.scale <= 0 and _is_beyond(column)
        return column.cast(pa.string() if whole else pa.float64())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return _decoded(column, reading)
    if pa.types.is_time(kind):
        return column.cast(pa.string())
    return column


def _is_beyond(column: Any) -> bool:
    """Whether some whole number has more digits than float64 keeps."""
    from pyarrow import compute

    found = compute.min_max(column).as_py()
    return found["max"] is not None and max(found["max"], -found["min"]) > LARGEST_WHOLE


def _decoded(column: Any, reading: Reading) -> Any:
    """Bytes as the text that they are in UTF-8; others stay bytes."""
    import pyarrow as pa

    try:
        return _plain(column.cast(pa.large_string()), reading)
    except pa.ArrowInvalid:
        return column
