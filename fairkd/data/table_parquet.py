"""Parquet files as one table of columns: a file, or a folder of parts."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fairkd.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".parquet", ".pq", ".parq")
MAGIC = b"PAR1"
_SAMPLE = 20_000

Fits = Callable[[float], None]


def parts_of(folder: Path, key: str) -> list[Path]:
    """The Parquet files of a folder and of its folders, in the order of their paths.

    Raises:
        DataError: there are none.
    """
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        and not any(part[0] in "._" for part in path.relative_to(folder).parts)
    )
    if not found:
        names = sorted(path.name for path in folder.iterdir())[:5]
        holds = f"holds {', '.join(names)}" if names else "is empty"
        raise DataError(
            f"{folder} is a folder without Parquet files (it {holds}); name a CSV or Parquet file, "
            f"or a folder of Parquet files, in {key}.path."
        )
    return found


class ParquetParts:
    """One Parquet file or many, whose schemas have been read.

    Folders between a root and its parts that are named ``column=value`` become columns.

    Attributes:
        names: the columns.
        rows: of all parts.
    """

    def __init__(self, files: Sequence[Path], root: Path) -> None:
        """Look at the files' schemas.

        Args:
            files: of this machine, at least one.
            root: the folder of the parts, or the one file.

        Raises:
            DataError: a file that is no Parquet file, or parts whose columns differ.
        """
        import pyarrow as pa
        from pyarrow import dataset, parquet

        schemas, self.rows = [], 0
        for file in files:
            try:
                read = parquet.read_metadata(file)
                schemas.append(read.schema.to_arrow_schema().remove_metadata())
            except (pa.ArrowException, OSError) as error:
                raise DataError(_unreadable(file, error)) from error
            self.rows += read.num_rows
        _alike(files, schemas)
        try:
            schema = pa.unify_schemas(schemas, promote_options="permissive")
        except pa.ArrowException as error:
            raise DataError(
                f"The Parquet files in {root} do not fit together ({_line(error)}); write them "
                "with the same types."
            ) from error
        # Whole files read ahead would take half as much memory again as the table.
        lean = dataset.ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True)
        parts = partial(
            dataset.dataset,
            [str(file) for file in files],
            format=dataset.ParquetFileFormat(default_fragment_scan_options=lean),
            partition_base_dir=str(root),
        )
        # As text: a number would lose the 0 that a post code begins with.
        folders = [
            pa.field(field.name, pa.string())
            for field in parts(partitioning="hive").schema
            if field.name not in schema.names
        ]
        hive = dataset.partitioning(pa.schema(folders), flavor="hive")
        schema = pa.schema([*schema, *folders])
        self._dataset: dataset.Dataset = parts(schema=schema, partitioning=hive)
        self._root = root
        self.names: list[str] = schema.names

    def read(self, places: Sequence[int], fits: Fits) -> "pa.Table":
        """Some of the columns.

        Args:
            places: of the columns among `names`.
            fits: refuses what is too large, told how many bytes the columns will take.

        Raises:
            DataError: a damaged file, or whatever ``fits`` refuses.
        """
        import pyarrow as pa

        names = [self.names[place] for place in places]
        try:
            sample = self._dataset.head(_SAMPLE, columns=names)
            fits(sample.nbytes / max(sample.num_rows, 1) * self.rows)
            return self._dataset.to_table(columns=names)
        except (pa.ArrowException, OSError) as error:
            raise DataError(_unreadable(self._root, error)) from error

    def batches(self, places: Sequence[int], rows: int) -> "Iterator[pa.RecordBatch]":
        """Some of the columns, some rows at a time.

        Args:
            places: of the columns among `names`.
            rows: at most so many at a time.

        Raises:
            DataError: a damaged file.
        """
        import pyarrow as pa

        names = [self.names[place] for place in places]
        try:
            yield from self._dataset.to_batches(columns=names, batch_size=rows)
        except (pa.ArrowException, OSError) as error:
            raise DataError(_unreadable(self._root, error)) from error


def _alike(files: Sequence[Path], schemas: "Sequence[pa.Schema]") -> None:
    """Refuse parts with other columns: what one of them lacks would seem to be missing."""
    first = set(schemas[0].names)
    for file, schema in zip(files, schemas, strict=True):
        if len(set(schema.names)) < len(schema.names):
            name = next(name for name in schema.names if schema.names.count(name) > 1)
            raise DataError(f"{file} has two columns '{name}'; rename one of them.")
        odd = sorted(first ^ set(schema.names))
        if odd:
            having, lacking = (file, files[0]) if odd[0] in schema.names else (files[0], file)
            raise DataError(
                f"{having.name} has a column '{odd[0]}' and {lacking.name} has none; parts of one "
                "table have the same columns."
            )


def _unreadable(path: Path, error: Exception) -> str:
    return f"{path} cannot be read as Parquet ({_line(error)}); write or copy it again."


def _line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
