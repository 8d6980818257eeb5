"""Which images there are, and what is known of each: from a manifest, or from their own names."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import pandas as pd

from fairkd.data.image_form import SUFFIXES
from fairkd.errors import ConfigError, DataError, unknown_name

FILE = "file"
"""The column of paths, where names say the rest."""
_PATH_COLUMNS = ("path", "file", "filename", "file_name", "image")
_SHOWN = 3
_SHORTEST, _LONGEST = "[^/]+?", "[^/]+"
_FIELD = re.compile(r"(\{[^{}]*\})")


@dataclass(frozen=True, eq=False)
class ImageList:
    """Image files with a row of values for each.

    Attributes:
        frame: the values; one column has the paths as they were given.
        file: that column's name.
        files: the paths, in the order of the rows.
        origin: where they come from, in words.
        left_out: how many image files were there and are not among them.
        ambiguous: the paths that fit the pattern in another way too, where others do not: of some
            names one field may hold what belongs to the next.
    """

    frame: pd.DataFrame
    file: str
    files: tuple[Path, ...]
    origin: str
    left_out: int = 0
    ambiguous: tuple[str, ...] = ()


def from_manifest(frame: pd.DataFrame, manifest: Path, column: str | None) -> ImageList:
    """The images that a table names, relative to its own folder or absolute.

    Args:
        frame: the table's rows, at least one.
        manifest: where the table lies.
        column: of the paths; ``None`` is the one that goes by a usual name.

    Raises:
        ConfigError: no such column.
        DataError: paths that are missing, lead out of the folder, or have no file.
    """
    name = path_column(list(map(str, frame.columns)), manifest, column)
    given = frame[name]
    empty = int(given.isna().sum())
    if empty:
        raise DataError(
            f"{manifest} has no path in the column '{name}' in {empty} of {len(frame)} rows; fill "
            "it in, or remove those rows."
        )
    texts = [str(value).strip() for value in given]
    outside = [text for text in texts if _leads_out(text)]
    if outside:
        raise DataError(
            f"{manifest} names {_counted(outside, len(texts))} outside its own folder in the "
            f"column '{name}': {_some(outside)}; accepted: paths relative to that folder, without "
            "leaving it by '..', or absolute paths."
        )
    files = tuple(manifest.parent / text for text in texts)
    absent = [text for text, file in zip(texts, files, strict=True) if not file.is_file()]
    if absent:
        raise DataError(
            f"{manifest} names {_counted(absent, len(texts))} in the column '{name}' that are not "
            f"there: {_some(absent)}; relative paths are looked for in {manifest.parent}. Correct "
            "the column, name another one in data.file, or remove those rows."
        )
    return ImageList(frame, name, files, str(manifest))


def from_names(folder: Path, pattern: str, *, skip_unmatched: bool = False) -> ImageList:
    """The images of a folder and its folders, with what their names say of them.

    Args:
        folder: hidden files, and what is no image by its suffix, are passed over.
        pattern: the path below the folder, with fields in braces: ``{label}/{sex}_{}.png``. A field
            is text without ``/``, as short as the rest allows; one without a name is not kept, and
            one that stands twice is the same text in both places.
        skip_unmatched: leave out images that the pattern does not fit.

    Raises:
        ConfigError: a pattern without fields, or with stray braces.
        DataError: no images, or some that the pattern does not fit, and where it ends to fit.
    """
    fitting = _Pattern(pattern)
    names = images_below(folder)
    if not names:
        known = ", ".join(SUFFIXES)
        raise DataError(f"{folder} holds no images ({known}); name their folder in data.path.")
    values = {name: fitting.values(name) for name in names}
    matched = [(name, found) for name, found in values.items() if found is not None]
    unmatched = [name for name, found in values.items() if found is None]
    if unmatched and (not skip_unmatched or not matched):
        reasons = [f"{name} ({fitting.why_not(name)})" for name in unmatched[:_SHOWN]]
        more = ", ..." if len(unmatched) > _SHOWN else ""
        skipping = ", or leave them out with data.unmatched=skip" if matched else ""
        raise DataError(
            f"data.pattern={pattern} does not fit {len(unmatched)} of the {len(names)} images in "
            f"{folder}: {', '.join(reasons)}{more}. Change the pattern, or rename them{skipping}."
        )
    rows = [{FILE: name, **found} for name, found in matched]
    files = tuple(folder / name for name, _ in matched)
    origin = f"{folder} under data.pattern={pattern}"
    ambiguous = tuple(name for name, found in matched if fitting.longest(name) != found)
    if len(ambiguous) == len(matched):
        ambiguous = ()
    return ImageList(
        pd.DataFrame(rows, dtype=object), FILE, files, origin, len(unmatched), ambiguous
    )


class _Pattern:
    """A path with fields, as regular expressions."""

    def __init__(self, pattern: str) -> None:
        self._texts = [text for text in _FIELD.split(pattern) if text]
        self._names: dict[str, str] = {}
        self._parts = [self._part(text, pattern) for text in self._texts]
        if not self._names:
            raise ConfigError(
                f"data.pattern={pattern} has no named field; accepted: a path with the label and "
                "the groups in braces, as in data.pattern='\"{label}/{sex}_{}.png\"'."
            )
        self._whole = re.compile("".join(self._parts))
        self._greedy = re.compile("".join(self._parts).replace(_SHORTEST, _LONGEST))

    def _part(self, text: str, pattern: str) -> str:
        if not _FIELD.fullmatch(text):
            if "{" in text or "}" in text:
                raise ConfigError(
                    f"data.pattern={pattern} has a brace without its pair; accepted: fields as "
                    "{label}, and {} for text that is not kept."
                )
            return re.escape(text)
        name = text[1:-1].strip()
        if not name:
            return _SHORTEST
        if name == FILE:
            raise ConfigError(
                f"data.pattern={pattern} has a field '{FILE}', the name of the column of paths; "
                "choose another name."
            )
        if name in self._names:
            return f"(?P={self._names[name]})"
        self._names[name] = f"field{len(self._names)}"
        return f"(?P<{self._names[name]}>{_SHORTEST})"

    def values(self, name: str) -> dict[str, str] | None:
        """The named fields, or ``None`` where the pattern does not fit."""
        return self._fields(self._whole.fullmatch(name))

    def longest(self, name: str) -> dict[str, str] | None:
        """The named fields where each takes as much as it can instead."""
        return self._fields(self._greedy.fullmatch(name))

    def _fields(self, found: re.Match[str] | None) -> dict[str, str] | None:
        if found is None:
            return None
        return {field: found[group] for field, group in self._names.items()}

    def why_not(self, name: str) -> str:
        """Where the pattern ends to fit."""
        for end in range(len(self._parts), 0, -1):
            if re.match("".join(self._parts[:end]), name):
                fits = f"after '{''.join(self._texts[:end])}'"
                if end == len(self._parts):
                    return f"{fits} there is more"
                return f"{fits} there is no '{self._texts[end]}'"
        return f"it does not begin with '{self._texts[0]}'"


def path_column(names: Sequence[str], manifest: Path, column: str | None) -> str:
    """The column of the images' paths.

    Args:
        names: the manifest's columns.
        manifest: where it lies, for the sentences.
        column: the one that was named; ``None`` for the one that goes by a usual name.

    Raises:
        ConfigError: no such column.
    """
    if column is not None:
        if column not in names:
            raise ConfigError(unknown_name(f"column in data.file of {manifest}", column, names))
        return column
    for usual in _PATH_COLUMNS:
        for name in names:
            if name.lower() == usual:
                return name
    raise ConfigError(
        f"{manifest} has no column named {', '.join(_PATH_COLUMNS[:-1])} or {_PATH_COLUMNS[-1]}; "
        f"name the column of the images' paths in data.file, one of: {', '.join(names)}."
    )


def _leads_out(text: str) -> bool:
    return PurePath(os.path.normpath(text)).parts[:1] == ("..",)


def images_below(folder: Path) -> list[str]:
    """Paths below a folder, with ``/``, in the order of the alphabet."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            (Path(place) / name).relative_to(folder).as_posix()
            for name in names
            if not name.startswith(".") and name.lower().endswith(SUFFIXES)
        ]
    return sorted(found)


def _counted(some: Sequence[str], total: int) -> str:
    return f"{len(some)} of {total} images"


def _some(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
