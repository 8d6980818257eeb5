"""Images of the user's own: files, with a label and groups from a manifest or from their names."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from fairkd import checks
from fairkd.data.assembly import assemble
from fairkd.data.bins import Edges, binned, check_bins
from fairkd.data.classes import classes_of, one_label
from fairkd.data.dataset import Dataset
from fairkd.data.fetch import default_cache
from fairkd.data.group_spec import block_names, columns_of
from fairkd.data.image_cache import Decoded, decoded
from fairkd.data.image_form import ImageForm
from fairkd.data.image_list import ImageList, from_manifest, from_names
from fairkd.data.image_notes import broken_images, notes
from fairkd.data.imperfect import Imperfect
from fairkd.data.spellings import refuse_spellings
from fairkd.data.table import RawTable
from fairkd.data.table_file import read_table
from fairkd.data.telling import tell_once
from fairkd.data.values import as_text, is_number
from fairkd.errors import ConfigError, DataError, unknown_name

WAYS = ("refuse", "skip")


def load_images(
    *,
    path: str | None,
    label: str | None,
    groups: Sequence[str],
    seed: int,
    pattern: str | None = None,
    file: str | None = None,
    positive: object = None,
    bins: Mapping[str, Edges] | None = None,
    size: int | Sequence[int] = 32,
    colours: str = "rgb",
    fit: str = "crop",
    broken: str = "refuse",
    unmatched: str = "refuse",
    lower_case: bool = False,
    validation_fraction: float = 0.25,
    test_fraction: float | None = 0.25,
    certify_fraction: float | None = None,
    split: Mapping[str, Any] | None = None,
    weights: str | None = None,
    rare_groups: Mapping[str, Any] | None = None,
    imperfect: Mapping[str, Any] | None = None,
    cache: str | None = None,
    name: str = "images",
) -> Dataset:
    """Load images, each with a label and sensitive values.

    A split's images are kept as bytes, and become numbers from 0 to 1 batch by batch.

    Args:
        path: a manifest (CSV or Parquet), or with ``pattern`` a folder.
        label: the label's column, or field of the pattern.
        groups: the group blocks: columns or fields, and intersections ``a+b``.
        seed: decides the split.
        pattern: how files are named, see `from_names`.
        file: the manifest's column of paths, see `from_manifest`.
        positive: of two classes, the positive one; ``None`` to find it, see `classes_of`.
        bins: edges for groups that are numbers, by column, see `binned`.
        size: height and width in pixels, or one number for both.
        colours: ``rgb`` or ``grey``.
        fit: ``crop`` or ``squeeze``, see `ImageForm`.
        broken: ``refuse`` or ``skip`` images that cannot be decoded.
        unmatched: ``refuse`` or ``skip`` images that the pattern does not fit.
        lower_case: whether values, paths aside, are read in lower case.
        validation_fraction: of the rows that are not test rows.
        test_fraction: of all rows.
        certify_fraction: of the rows that are not test rows: rows that certify bounds.
        split: how rows are divided, see `Splitting`.
        weights: the column of row weights.
        rare_groups: ``rule`` and ``limit``, see `RareGroups`.
        imperfect: what is planted, or known to be wrong, see `Imperfect`; pixels are never missing.
        cache: where decoded images are kept; ``None`` is the default folder.
        name: the name the data set goes by.

    Raises:
        DataError: images or a manifest that are missing, broken, or cannot give blocks and splits.
        ConfigError: a value that cannot work.
    """
    form = ImageForm.of(size, colours, fit)
    for key, value in {"broken": broken, "unmatched": unmatched}.items():
        checks.choice(f"data.{key}", value, WAYS)
    blocks = block_names(groups)
    edges = checks.mapping("data.bins", bins, "{age: [25, 45, 65]}")
    if Imperfect.of(imperfect).missing_features > 0:
        raise ConfigError(
            "data.imperfect.missing_features deletes cells of a table, and images have none; set "
            "it to 0."
        )
    listed = _listed(path, pattern, file, skip_unmatched=unmatched == "skip")
    label = _label(label, listed)
    found = decoded(listed.files, form, _folder(cache))
    kept = _kept(listed, found, skip_broken=broken == "skip")
    frame = listed.frame.iloc[kept].reset_index(drop=True)
    checksums = [found.checksums[place] for place in kept]
    if lower_case:
        frame = _in_lower_case(frame, listed.file)
    classes = classes_of(frame[label], positive)
    refuse_spellings(frame, "data.label", label)
    content = _fingerprint(frame.drop(columns=listed.file), checksums)
    frame = _with_numbers(frame, edges)
    sensitive = _grouping(blocks, frame, listed.file)
    for column in sensitive:
        refuse_spellings(frame, "data.groups", column)
    check_bins(frame, sensitive, edges)
    table = RawTable(
        name=name,
        frame=binned(frame, edges),
        label=label,
        classes=classes.names,
        features=(),
        origin=listed.origin,
        fingerprint=content,
        weights=weights,
    )
    data = assemble(
        table,
        groups=blocks,
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        certify_fraction=certify_fraction,
        use_groups_as_features=False,
        rare_groups=rare_groups,
        imperfect=imperfect,
        split=split,
        x=found.pixels if len(kept) == len(listed.files) else found.pixels[kept],
    )
    told = notes(listed, found, kept, label, classes, data)
    tell_once(name, told)
    return replace(data, images=form, told=told)


def _listed(
    path: str | None, pattern: str | None, file: str | None, *, skip_unmatched: bool
) -> ImageList:
    if path is None:
        raise ConfigError(
            "data=images needs data.path: a manifest (CSV or Parquet) with a column of paths, or a "
            "folder beside data.pattern."
        )
    if path.startswith(("http://", "https://")):
        raise ConfigError(
            f"data.path={path} is a URL, and data=images reads files of this machine; fetch the "
            "images, and name their manifest or folder in data.path."
        )
    place = Path(path).expanduser()
    if pattern is not None:
        if not isinstance(pattern, str):
            raise ConfigError(
                f"data.pattern={checks.as_typed(pattern)} is no text; accepted: a path with fields "
                "in braces, as in data.pattern='\"{label}/{sex}_{}.png\"'."
            )
        if file is not None:
            raise ConfigError(
                f"data.file={file} names a manifest's column and data.pattern={pattern} needs no "
                "manifest; set one of the two to null."
            )
        if not place.is_dir():
            raise DataError(
                f"data.path={path} is no folder, and data.pattern={pattern} is about the names in "
                "one; name the folder of the images, or set data.pattern=null for a manifest."
            )
        return from_names(place, pattern, skip_unmatched=skip_unmatched)
    if place.is_dir():
        raise DataError(
            f"data.path={path} is a folder; name a manifest (CSV or Parquet) of the images in it, "
            "or say in data.pattern how they are named."
        )
    texts = () if file is None else (file,)
    return from_manifest(read_table(place, texts=texts).frame, place, file)


def _label(label: object, listed: ImageList) -> str:
    columns = [str(name) for name in listed.frame.columns if name != listed.file]
    if label is None:
        raise ConfigError(
            f"data=images needs data.label, the column of what is learned; {listed.origin} has: "
            f"{', '.join(columns)}."
        )
    label = one_label(label)
    if label not in columns:
        raise ConfigError(unknown_name("column in data.label", label, columns))
    return label


def _folder(cache: str | None) -> Path:
    return Path(cache).expanduser() if cache is not None else default_cache()


def _kept(listed: ImageList, found: Decoded, *, skip_broken: bool) -> list[int]:
    """The places of the images that can be used."""
    total = len(listed.files)
    if not found.broken:
        return list(range(total))
    if not skip_broken or len(found.broken) == total:
        skipping = "" if len(found.broken) == total else ", or leave them out with data.broken=skip"
        raise DataError(f"Broken: {broken_images(listed, found)}. Replace them{skipping}.")
    return [place for place in range(total) if place not in found.broken]


def _grouping(blocks: Sequence[str], frame: pd.DataFrame, file: str) -> list[str]:
    columns = [str(name) for name in frame.columns if name != file]
    return sorted({column for block in blocks for column in columns_of(block, columns)})


def _in_lower_case(frame: pd.DataFrame, file: str) -> pd.DataFrame:
    texts = [name for name in frame.columns if name != file and not is_number(frame[name])]
    lower = {
        name: [None if v is None else v.lower() for v in as_text(frame[name])] for name in texts
    }
    return frame.assign(**{name: pd.Series(v, frame.index, object) for name, v in lower.items()})


def _with_numbers(frame: pd.DataFrame, bins: Mapping[str, Edges]) -> pd.DataFrame:
    """The rows with numbers in the columns to be binned: those in file names are text."""
    texts = [name for name in bins if name in frame.columns and not is_number(frame[name])]
    numbers = {name: pd.to_numeric(frame[name], errors="coerce") for name in texts}
    for column, values in numbers.items():
        unread = values.isna() & frame[column].notna()
        if unread.any():
            raise DataError(
                f"'{column}' in data.bins holds '{frame[column][unread].iloc[0]}', which is no "
                "number; correct it, or leave the column out of data.bins."
            )
    return frame.assign(**numbers)


def _fingerprint(frame: pd.DataFrame, checksums: Sequence[str]) -> str:
    """A hash of every image's content and values, wherever the files lie."""
    digest = hashlib.sha256()
    columns = {"": checksums} | {str(name): as_text(frame[name]) for name in frame.columns}
    for name, values in columns.items():
        digest.update(json.dumps([name, *values]).encode())
    return digest.hexdigest()
