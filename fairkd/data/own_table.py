"""A table of the user's own, from a file to a data set: ``data=table``."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fairkd import checks
from fairkd.data.assembly import assemble
from fairkd.data.bins import Edges, binned, check_bins, features_of
from fairkd.data.classes import Classes, classes_of
from fairkd.data.dataset import Dataset
from fairkd.data.inspection import Inspection, inspect
from fairkd.data.kinds import CATEGORY, seen
from fairkd.data.own_roles import Roles, names_in
from fairkd.data.reading import MISSING_WORDS, Reading
from fairkd.data.repeated_rows import told_repeats
from fairkd.data.soft_labels import soft_labels as shares_of
from fairkd.data.spellings import refuse_spellings, told_spellings
from fairkd.data.splitting import Splitting
from fairkd.data.table import RawTable
from fairkd.data.table_batches import TableBatches
from fairkd.data.table_file import TableFile, read_table
from fairkd.data.table_memory import give_back
from fairkd.data.telling import tell_once
from fairkd.errors import ConfigError

NAMELESS = ("no", "yes")
"""The classes of a label that is one column of probabilities and nothing else."""


def load_table(
    *,
    path: str | Path | None,
    label: str | None,
    groups: Sequence[str] | None,
    seed: int,
    positive: object = None,
    types: Mapping[str, str] | None = None,
    drop: Sequence[str] = (),
    keep: Sequence[str] = (),
    bins: Mapping[str, Edges] | None = None,
    use_groups_as_features: bool = False,
    rare_groups: Mapping[str, Any] | None = None,
    imperfect: Mapping[str, Any] | None = None,
    split: Mapping[str, Any] | None = None,
    validation_fraction: float = 0.25,
    test_fraction: float = 0.25,
    certify_fraction: float | None = None,
    weights: str | None = None,
    soft_labels: Sequence[str] = (),
    outputs: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str = ".",
    missing: Sequence[str] = MISSING_WORDS,
    lower_case: bool = False,
    sha256: str | None = None,
    memory_gib: float | None = None,
    cache: str | Path | None = None,
    name: str = "table",
) -> Dataset:
    """Read a table, find what its columns are, and prepare it; how it was read is logged once.

    Args:
        path: a CSV or Parquet file, a folder of Parquet files, or a URL of a file.
        label: the label's column.
        groups: the group blocks: columns, and intersections ``a+b``.
        seed: decides the split.
        positive: the positive one of two classes; None finds it, see `classes_of`.
        types: what some columns are, whatever they look like, see `inspect`.
        drop: columns that are no features.
        keep: columns that stay features though they look like none.
        bins: edges, or a number of quantiles, of numbers in ``groups``, see `binned`.
        use_groups_as_features: keep the blocks' columns among the features.
        rare_groups: ``rule`` and ``limit``, see `RareGroups`.
        imperfect: what is planted, or known to be wrong, see `Imperfect`.
        split: how rows are divided, see `Splitting`.
        validation_fraction: of the rows that are not test rows.
        test_fraction: of all rows.
        certify_fraction: of the rows that are not test rows: rows that certify bounds.
        weights: the column of row weights.
        soft_labels: the columns of label probabilities, one a class or one for the positive class;
            without a column ``label`` in the file, the classes go by these columns' names.
        outputs: the columns of a teacher's outputs.
        columns: the only features to be read; None for all.
        delimiter: see `Reading`, as the next four.
        encoding: of a CSV file.
        decimal: the decimal mark of a CSV file.
        missing: words that stand for a missing value.
        lower_case: whether all text is read in lower case.
        sha256: what the content's checksum has to be.
        memory_gib: what the table may take, in GiB; None for what the machine has free.
        cache: where a URL's content is kept; by default see `default_cache`.
        name: the name the data set goes by.

    Raises:
        DataError: the table cannot be read or learned from.
        ConfigError: a value that cannot work.
    """
    if path is None or not str(path):
        raise ConfigError(
            f"data={name} needs data.path: a CSV or Parquet file, a folder of Parquet files, or "
            "the URL of a file."
        )
    reading = Reading.of(
        {
            "delimiter": delimiter,
            "encoding": encoding,
            "decimal": decimal,
            "missing": missing,
            "lower_case": lower_case,
        }
    )
    if label is None:
        names = filter(None, TableBatches.open(path, reading).names)
        raise ConfigError(
            f"data.label is null; name the column of classes, one of: {', '.join(names)}."
        )
    splitting = Splitting.of(split)
    roles = Roles.of(
        label=label,
        groups=groups,
        splitting=splitting,
        weights=weights,
        soft_labels=soft_labels,
        outputs=outputs,
        columns=columns,
        drop=drop,
    )
    kinds = checks.mapping("data.types", types, "{zip: category}")
    edges = checks.mapping("data.bins", bins, "{age: [25, 45, 65]}")
    file = read_table(
        path,
        reading=reading,
        choose=roles.wanted,
        texts=[column for column, kind in kinds.items() if kind == CATEGORY],
        sha256=sha256,
        memory_gib=memory_gib,
        cache=None if cache is None else Path(str(cache)),
    )
    frame, known = _labelled(file.frame, roles)
    sensitive = roles.groups(list(map(str, frame.columns)))
    if roles.label in kinds:
        frame = frame.assign(**{roles.label: seen(frame[roles.label], kinds[roles.label]).column})
    classes = known or classes_of(frame[roles.label], positive)
    refuse_spellings(frame, "data.label", roles.label)
    inspection = inspect(
        frame,
        label=roles.label,
        sensitive=roles.blocks,
        types=kinds,
        keep=names_in("data.keep", keep),
        roles=roles.others,
    )
    for column in sensitive:
        refuse_spellings(frame, "data.groups", column)
    check_bins(inspection.frame, sensitive, edges)
    shown = features_of(inspection.features, edges, use_groups_as_features=use_groups_as_features)
    table = RawTable(
        name=name,
        frame=binned(inspection.frame, edges),
        label=roles.label,
        classes=classes.names,
        features=tuple(column for column in shown if column not in roles.drop),
        origin=file.origin,
        fingerprint=file.fingerprint,
        weights=weights,
        soft=roles.soft,
    )
    give_back()
    dataset = assemble(
        table,
        groups=roles.blocks,
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        certify_fraction=certify_fraction,
        use_groups_as_features=use_groups_as_features,
        rare_groups=rare_groups,
        imperfect=imperfect,
        split=split,
    )
    told = _told(file, roles, classes, inspection, dataset)
    tell_once(name, told)
    dataset = replace(dataset, columns=inspection.columns, told=told)
    del file, frame, inspection, table  # what the data set keeps of them is smaller
    give_back()
    return dataset


def _labelled(frame: pd.DataFrame, roles: Roles) -> tuple[pd.DataFrame, Classes | None]:
    """The frame with a label; its classes, where it has only their probabilities."""
    if roles.label in frame.columns:
        return frame, None
    classes = roles.soft if len(roles.soft) > 1 else NAMELESS
    likeliest = np.array(classes, dtype=object)[shares_of(frame, roles.soft).argmax(axis=1)]
    how = "the likeliest of each row, as there is no column of labels"
    return frame.assign(**{roles.label: likeliest}), Classes(tuple(classes), how)


def _told(
    file: TableFile, roles: Roles, classes: Classes, inspection: Inspection, dataset: Dataset
) -> tuple[str, ...]:
    """How the table was read, a line each."""
    frame, names = inspection.frame, classes.names
    which = f"'{names[1]}' is positive ({classes.how})" if len(names) == 2 else classes.how
    groups = [f"{block.name} ({', '.join(block.cells)})" for block in dataset.blocks]
    features = [column.name for column in inspection.columns if column.role == "feature"]
    dropped = f"{', '.join(roles.drop)}: left out, as data.drop says" if roles.drop else ""
    lines = [
        f"{len(frame):,} rows of {file.origin} (sha256 {file.fingerprint})",
        f"label {roles.label}: {', '.join(map(repr, names))}; {which}",
        f"groups: {'; '.join(groups)}",
        *inspection.told(),
        *told_spellings(frame, features),
        *told_repeats(frame),
        *file.notes,
        dropped,
    ]
    return tuple(" ".join(line.split()) for line in lines if line)
