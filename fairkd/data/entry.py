"""What the catalogue knows of one data set."""

from dataclasses import dataclass
from pathlib import Path

from fairkd.data.sources import WheelSource


@dataclass(frozen=True)
class Entry:
    """One data set of the catalogue.

    Attributes:
        name: what follows ``data=``.
        loader: the loader's import path.
        rows: the number of rows.
        columns: the number of raw columns that are kept, label included.
        groups: columns that name groups of people (or stand for them, where planted).
        label: the label's column.
        classes: the label's values, in order.
        licence: the licence of the data.
        source: where the rows come from, in words.
        download: what is downloaded at first use; None where the rows come with a dependency.
        fetcher: of data that is no file of a wheel: the import path of what fetches it into a cache
            and returns its folder.
        kept: the files that the fetcher leaves in the cache.
        folder: where the user's own files are looked for, of data that nothing brings.
        cached: whether loading needs no download now.
    """

    name: str
    loader: str
    rows: int
    columns: int
    groups: tuple[str, ...]
    label: str
    classes: tuple[str, ...]
    licence: str
    source: str
    download: WheelSource | None = None
    fetcher: str | None = None
    kept: tuple[str, ...] = ()
    folder: Path | None = None
    cached: bool = True

    @property
    def needs_download(self) -> bool:
        """Whether the rows are downloaded at first use."""
        return self.download is not None or self.fetcher is not None

    @property
    def size(self) -> int | None:
        """What is downloaded, in bytes: the whole wheel that files lie in; None if not known."""
        if self.fetcher is not None:
            return None
        return self.download.wheel.size if self.download is not None else 0
