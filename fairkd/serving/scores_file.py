"""Scores written part by part, as CSV or Parquet."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fairkd.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd
    from pyarrow import parquet

FORMATS = (".csv", ".parquet")


class Parts(Protocol):
    """A file that takes rows."""

    def write(self, rows: "pd.DataFrame") -> None:
        """More rows; those of all parts have the same columns."""
        ...


def check_format(out: Path) -> None:
    """Refuse a name that does not say how the file is to be written.

    Raises:
        ConfigError: it ends in something else than one of `FORMATS`.
    """
    if out.suffix.lower() not in FORMATS:
        raise ConfigError(
            f"out={out} does not say what it is to be; accepted: a name that ends in "
            f"{' or '.join(FORMATS)}."
        )


@contextmanager
def scores_file(path: Path, suffix: str) -> Iterator[Parts]:
    """A file that takes rows until the end of the block.

    Args:
        path: of the file.
        suffix: one of `FORMATS`.

    Raises:
        OSError: it cannot be written.
    """
    parts: _Csv | _Parquet = _Parquet(path) if suffix.lower() == ".parquet" else _Csv(path)
    try:
        yield parts
    finally:
        parts.close()


class _Csv:
    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._begun = False

    def write(self, rows: "pd.DataFrame") -> None:
        """More rows, below the header."""
        rows.to_csv(self._file, index=False, header=not self._begun, lineterminator="\n")
        self._begun = True

    def close(self) -> None:
        """No more rows."""
        self._file.close()


class _Parquet:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: parquet.ParquetWriter | None = None

    def write(self, rows: "pd.DataFrame") -> None:
        """More rows, in the types of the first ones."""
        import pyarrow as pa
        from pyarrow import parquet

        if self._writer is None:
            first = pa.Schema.from_pandas(rows, preserve_index=False)
            # Of a column without any value yet, text says the least.
            kinds = [
                field.with_type(pa.string()) if pa.types.is_null(field.type) else field
                for field in first
            ]
            self._writer = parquet.ParquetWriter(self._path, pa.schema(kinds))
        schema = self._writer.schema
        self._writer.write_table(pa.Table.from_pandas(rows, schema, preserve_index=False))

    def close(self) -> None:
        """No more rows."""
        if self._writer is not None:
            self._writer.close()
