"""From a raw table to a data set ready to train on: the part every loader shares."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.dataset import Dataset
from fairkd.data.group_spec import RareGroups, block_names, columns_of
from fairkd.data.groups import GroupEncoder
from fairkd.data.imperfect import LABEL_FLAWS, Imperfect
from fairkd.data.imperfect_groups import imperfect_groups
from fairkd.data.imperfect_labels import imperfect_labels
from fairkd.data.missing import without_cells
from fairkd.data.row_weights import row_weights
from fairkd.data.soft_labels import check_agreement, check_soft_columns, soft_labels
from fairkd.data.source_rows import SourceRows
from fairkd.data.splits import split_rows
from fairkd.data.splitting import Splitting
from fairkd.data.table import RawTable, check_roles, check_table
from fairkd.data.tabular import TabularPreparation
from fairkd.data.values import as_codes
from fairkd.errors import ConfigError

Labels = npt.NDArray[np.int64]

WEIGHTED = ("train", "validation")
"""The splits whose rows have the weights of a table that has any."""
_ROWS_AT_ONCE = 65_536


def assemble(
    table: RawTable,
    *,
    groups: Sequence[str],
    seed: int,
    validation_fraction: float,
    test_fraction: float | None,
    use_groups_as_features: bool,
    rare_groups: Mapping[str, Any] | None,
    certify_fraction: float | None = None,
    imperfect: Mapping[str, Any] | None = None,
    split: Mapping[str, Any] | None = None,
    x: npt.NDArray[np.uint8] | None = None,
) -> Dataset:
    """Check, split and prepare a raw table.

    Args:
        table: the raw rows.
        groups: the group blocks: columns, and intersections ``a+b``.
        seed: decides the split.
        validation_fraction: of the rows that are not test rows.
        test_fraction: of all rows; None where the table has an official test part.
        certify_fraction: of the rows that are not test rows: rows that certify bounds.
        use_groups_as_features: keep the blocks' columns among the features.
        rare_groups: ``rule`` and ``limit``, see `RareGroups`.
        imperfect: what is planted, or known to be wrong, see `Imperfect`.
        split: ``by``, ``column`` and ``parts``, see `Splitting`; the column is no feature.
        x: the rows as models take them where they are no columns, bytes of shape ``[N, ...]``.

    Training rows weigh what the table's weights say, over their mean, and so do validation rows,
    on which epochs are compared by what is trained. Test and certify rows weigh alike, and nothing
    that is measured of people reads a weight.

    Raises:
        DataError: the table cannot be used; see `check_table`, `split_rows`, `GroupEncoder`,
            `row_weights`, `soft_labels`, `imperfect_groups`.
        ConfigError: a value that cannot work.
    """
    blocks = block_names(groups)
    rare = RareGroups.of(rare_groups)
    flaws = Imperfect.of(imperfect, use_groups_as_features=use_groups_as_features)
    splitting = Splitting.of(split)
    check_roles(table, splitting.column)
    table, soft = _labelled(table, flaws)
    table = _without_roles(table, splitting.column)
    check_table(table, blocks)
    labels = _class_indices(table)
    if soft is not None:
        check_agreement(soft, labels, table.soft, table.classes)
    rows = split_rows(
        labels,
        table.classes,
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        certify_fraction=certify_fraction,
        official_test=table.official_test,
        splitting=splitting,
        column=None if splitting.column is None else table.frame[splitting.column],
    )
    frame = table.frame
    if flaws.missing_features > 0:
        columns, random = _deletable(table, blocks), _random("features", seed)
        whole = SourceRows(frame, rows)
        frame = _in_order(without_cells(whole, columns, flaws.missing_features, random), rows)
    raw = SourceRows(frame, rows)
    preparation = None
    if x is None:
        preparation = TabularPreparation.fit(
            frame,
            label=table.label,
            classes=table.classes,
            features=table.features,
            groups=blocks,
            rare_groups=rare,
            use_groups_as_features=use_groups_as_features,
            rows=rows["train"],
        )
        encoder = preparation.groups
        splits = {name: _prepared(preparation, raw, name, len(rows[name])) for name in raw}
    else:
        encoder = GroupEncoder.fit(raw["train"], blocks, rare)
        splits = {
            name: _batch(x[chosen], labels[chosen], encoder.encode(raw[name]))
            for name, chosen in rows.items()
        }
    if table.weights is not None:
        for name in WEIGHTED:
            weights = row_weights(table.frame[table.weights].iloc[rows[name]])
            splits[name] = splits[name]._replace(weight=torch.from_numpy(weights))
    if soft is not None:
        told = torch.from_numpy(soft[rows["train"]].astype(np.float32))
        splits["train"] = splits["train"]._replace(y=told)
    if not flaws.idle:
        splits["train"] = _flawed(splits["train"], encoder.blocks, len(table.classes), flaws, seed)
    return Dataset(
        name=table.name,
        splits=splits,
        blocks=replace(
            encoder.blocks, corrected=flaws.group_flip_rate > 0 or flaws.label_flip_rate > 0
        ),
        classes=table.classes,
        fingerprint=table.fingerprint,
        preparation=preparation,
        raw=raw.packed(),
        rows=rows,
    )


def _labelled(
    table: RawTable, flaws: Imperfect
) -> "tuple[RawTable, np.ndarray[Any, np.dtype[np.float64]] | None]":
    """The table with a label column, and its soft labels, shape ``[N, C]``, if it has any."""
    if not table.soft:
        return table, None
    for name in LABEL_FLAWS:
        if getattr(flaws, name) > 0:
            raise ConfigError(
                f"data.imperfect.{name}={getattr(flaws, name):g} is about labels that are classes, "
                f"and data.soft_labels gives probabilities; set data.imperfect.{name}=0, or "
                "data.soft_labels=[]."
            )
    check_soft_columns(table.soft, table.classes)
    shares = soft_labels(table.frame, table.soft)
    if table.label in table.frame.columns:
        return table, shares
    likeliest = np.array(table.classes, dtype=object)[shares.argmax(axis=1)]
    return replace(table, frame=table.frame.assign(**{table.label: likeliest})), shares


def _without_roles(table: RawTable, split_column: str | None) -> RawTable:
    """The table whose features are none of the columns of another purpose."""
    taken = {split_column, table.weights, *table.soft}
    if taken.isdisjoint(table.features):
        return table
    return replace(table, features=tuple(name for name in table.features if name not in taken))


def _class_indices(table: RawTable) -> Labels:
    codes, labels = as_codes(table.frame[table.label])
    return np.array([table.classes.index(label) for label in labels], dtype=np.int64)[codes]


def _deletable(table: RawTable, blocks: Sequence[str]) -> list[str]:
    """The features but for the groups' columns, from which the groups are read."""
    available = [str(name) for name in table.frame.columns if name != table.label]
    grouping = {name for block in blocks for name in columns_of(block, available)}
    return [name for name in table.features if name not in grouping]


def _flawed(rows: Batch, blocks: Blocks, n_classes: int, flaws: Imperfect, seed: int) -> Batch:
    """The training rows as training is told of them."""
    labels = imperfect_labels(rows.y.numpy(), n_classes, flaws, _random("labels", seed))
    features = rows.floats.flatten(1).numpy()
    group = imperfect_groups(rows.group.numpy(), blocks, flaws, _random("groups", seed), features)
    return rows._replace(y=torch.from_numpy(labels), group=torch.from_numpy(group))


def _random(kind: str, seed: int) -> np.random.Generator:
    """A generator for each kind of flaw: none changes what another, or the split, draws."""
    place = ("features", "labels", "groups").index(kind)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(place,)))


def _in_order(
    frames: Mapping[str, pd.DataFrame], rows: Mapping[str, "np.ndarray[Any, Any]"]
) -> pd.DataFrame:
    """The splits' rows as one frame, each in its place."""
    places = np.concatenate([rows[name] for name in frames])
    return pd.concat(list(frames.values())).set_axis(places).sort_index()


def _prepared(preparation: TabularPreparation, raw: SourceRows, split: str, n_rows: int) -> Batch:
    """A split, prepared some rows at a time: what that needs beside the result stays small."""
    x = np.empty((n_rows, len(preparation.feature_names)), dtype=np.float32)
    y = np.empty(n_rows, dtype=np.int64)
    group = np.empty((n_rows, preparation.blocks.width), dtype=np.float32)
    for start in range(0, n_rows, _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        frame = raw.some(split, part)
        x[part] = preparation.transform(frame)
        y[part] = preparation.encode_labels(frame)
        group[part] = preparation.encode_groups(frame)
    return _batch(x, y, group)


def _batch(x: npt.NDArray[Any], y: Labels, group: npt.NDArray[np.float32]) -> Batch:
    return Batch(
        x=torch.from_numpy(x),
        y=torch.from_numpy(y),
        group=torch.from_numpy(group),
        index=torch.arange(len(y)),
        weight=torch.ones(len(y)),
    )
