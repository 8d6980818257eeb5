"""Which data sets there are, in words; listing them loads neither torch nor pandas."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

from fairkd.data.catalogue_entries import ENTRIES
from fairkd.data.entry import Entry
from fairkd.data.fetch import default_cache, fetch_files, is_cached
from fairkd.errors import DataError, unknown_name


def entries(cache: Path | None = None) -> list[Entry]:
    """Every data set, with whether it is at hand.

    Args:
        cache: where fetched data is kept; by default see `default_cache`.
    """
    folder = cache if cache is not None else default_cache()
    return [replace(entry, cached=_is_at_hand(entry, folder)) for entry in ENTRIES]


def _is_at_hand(entry: Entry, cache: Path) -> bool:
    if entry.download is not None:
        return is_cached(entry.download, cache)
    if entry.fetcher is not None:
        return all((cache / file).is_file() for file in entry.kept)
    return entry.folder is None or entry.folder.is_dir()


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
    for entry in ENTRIES:
        if entry.name == name:
            if entry.folder is not None and not entry.folder.is_dir():
                raise DataError(
                    f"{name} cannot be downloaded: name the folder of its files in data.path, or "
                    f"put them into {entry.folder}."
                )
            kept = cache if cache is not None else default_cache()
            if entry.fetcher is not None:
                module, _, function = entry.fetcher.rpartition(".")
                folder: Path = getattr(import_module(module), function)(kept)
                return folder
            return None if entry.download is None else fetch_files(entry.download, kept)
    raise DataError(unknown_name("data set", name, [entry.name for entry in ENTRIES]))
