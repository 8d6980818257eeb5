"""New images some at a time: those that a manifest names, or all below a folder."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fairkd.data.image_form import SUFFIXES
from fairkd.data.image_list import FILE, ImageList, from_manifest, images_below, path_column
from fairkd.data.reading import Reading
from fairkd.data.table_batches import TableBatches
from fairkd.errors import ConfigError, DataError, unknown_name

ROWS = 256
"""At most so many images at a time."""


@dataclass(frozen=True, eq=False)
class ImageBatches:
    """Images of which only the names are known.

    Attributes:
        file: the column of their paths.
        origin: where they come from, in words.
        rows: how many there are; ``None`` where that is not known before.
    """

    file: str
    origin: str
    rows: int | None
    _place: Path
    _kept: Collection[str]
    _table: TableBatches | None

    @classmethod
    def open(
        cls, path: str, column: str | None, keep: Collection[str], reading: Reading
    ) -> "ImageBatches":
        """Look at a manifest, or at a folder.

        Args:
            path: of a CSV or Parquet file, or of a folder.
            column: of the manifest's paths, see `from_manifest`.
            keep: columns of the manifest that are wanted beside the paths.
            reading: how to read a manifest.

        Raises:
            DataError: there is no such file, or no image in the folder.
            ConfigError: a column that is not there.
        """
        place = Path(path).expanduser()
        if not place.is_dir():
            table = TableBatches.open(place, reading)
            for name in keep:
                if name not in table.names:
                    raise ConfigError(
                        unknown_name("column in keep", name, filter(None, table.names))
                    )
            file = path_column(table.names, place, column)
            return cls(file, table.origin, table.rows, place, keep, table)
        for key, given in {"data.file": column, "keep": next(iter(keep), None)}.items():
            if given is not None:
                raise ConfigError(
                    f"{key}={given} names a manifest's column, and data.path={path} is a folder; "
                    "leave it out, or name a manifest in data.path."
                )
        found = images_below(place)
        if not found:
            known = ", ".join(SUFFIXES)
            raise DataError(f"{place} holds no images ({known}); name another in data.path.")
        return cls(FILE, str(place), len(found), place, (), None)

    def parts(self) -> Iterator[ImageList]:
        """The images in their order, `ROWS` at a time or fewer.

        Raises:
            DataError: a manifest that is damaged, or paths that lead nowhere.
        """
        for frame in self._frames():
            for first in range(0, len(frame), ROWS):
                part = frame.iloc[first : first + ROWS].reset_index(drop=True)
                if self._table is not None:
                    yield from_manifest(part, self._place, self.file)
                else:
                    files = tuple(self._place / name for name in part[FILE])
                    yield ImageList(part, FILE, files, self.origin)

    def _frames(self) -> Iterator[pd.DataFrame]:
        if self._table is not None:
            yield from self._table.frames({self.file}, (), self._kept)
        else:
            yield pd.DataFrame({FILE: images_below(self._place)})
