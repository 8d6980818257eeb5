"""What a file's values are taken for: spaces trimmed, words for missing, plain types."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fairkd.data.reading import Reading
from fairkd.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

INDEX_NAMES = ("", "Unnamed: 0", "__index_level_0__")
"""What tools call an index that they wrote as a column."""


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
        if reading.lower_case:
            text = compute.utf8_lower(text)
        absent = compute.is_in(text, value_set=pa.array(reading.missing, text.type))
        return compute.if_else(absent, pa.scalar(None, text.type), text)
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    if pa.types.is_time(kind):
        return column.cast(pa.string())
    return column
