"""From a raw table to a data set ready to train on: the part every loader shares."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch

from fairkd.data.batch import Batch
from fairkd.data.dataset import Dataset
from fairkd.data.group_spec import RareGroups, block_names, columns_of
from fairkd.data.imperfect import Imperfect
from fairkd.data.imperfect_groups import imperfect_groups
from fairkd.data.imperfect_labels import imperfect_labels
from fairkd.data.missing import without_cells
from fairkd.data.splits import split_rows
from fairkd.data.table import RawTable, check_table
from fairkd.data.tabular import TabularPreparation
from fairkd.data.values import as_text


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

    Raises:
        DataError: the table cannot be used; see `check_table`, `split_rows`, `GroupEncoder`,
            `imperfect_groups`.
        ConfigError: a value that cannot work.
    """
    blocks = block_names(groups)
    rare = RareGroups.of(rare_groups)
    flaws = Imperfect.of(imperfect, use_groups_as_features=use_groups_as_features)
    check_table(table, blocks)
    rows = split_rows(
        _class_indices(table),
        table.classes,
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        certify_fraction=certify_fraction,
        official_test=table.official_test,
    )
    raw = {name: table.frame.iloc[chosen].reset_index(drop=True) for name, chosen in rows.items()}
    if flaws.missing_features > 0:
        raw = without_cells(
            raw, _deletable(table, blocks), flaws.missing_features, _random("features", seed)
        )
    preparation = TabularPreparation.fit(
        raw["train"],
        label=table.label,
        classes=table.classes,
        features=table.features,
        groups=blocks,
        rare_groups=rare,
        use_groups_as_features=use_groups_as_features,
    )
    splits = {name: _batch(preparation, frame) for name, frame in raw.items()}
    if not flaws.idle:
        splits["train"] = _flawed(splits["train"], preparation, flaws, seed)
    return Dataset(
        name=table.name,
        splits=splits,
        blocks=replace(
            preparation.blocks, corrected=flaws.group_flip_rate > 0 or flaws.label_flip_rate > 0
        ),
        classes=table.classes,
        fingerprint=table.fingerprint,
        preparation=preparation,
        raw=raw,
    )


def _class_indices(table: RawTable) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    place = {name: i for i, name in enumerate(table.classes)}
    labels = as_text(table.frame[table.label])
    return np.array([place[label] for label in labels], dtype=np.int64)


def _deletable(table: RawTable, blocks: Sequence[str]) -> list[str]:
    """The features but for the groups' columns, from which the groups are read."""
    available = [str(name) for name in table.frame.columns if name != table.label]
    grouping = {name for block in blocks for name in columns_of(block, available)}
    return [name for name in table.features if name not in grouping]


def _flawed(rows: Batch, preparation: TabularPreparation, flaws: Imperfect, seed: int) -> Batch:
    """The training rows as training is told of them."""
    labels = imperfect_labels(
        rows.y.numpy(), len(preparation.classes), flaws, _random("labels", seed)
    )
    group = imperfect_groups(
        rows.group.numpy(), preparation.blocks, flaws, _random("groups", seed), rows.x.numpy()
    )
    return rows._replace(y=torch.from_numpy(labels), group=torch.from_numpy(group))


def _random(kind: str, seed: int) -> np.random.Generator:
    """A generator for each kind of flaw: none changes what another, or the split, draws."""
    place = ("features", "labels", "groups").index(kind)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(place,)))


def _batch(preparation: TabularPreparation, frame: pd.DataFrame) -> Batch:
    return Batch(
        x=torch.from_numpy(preparation.transform(frame)),
        y=torch.from_numpy(preparation.encode_labels(frame)),
        group=torch.from_numpy(preparation.encode_groups(frame)),
        index=torch.arange(len(frame)),
        weight=torch.ones(len(frame)),
    )
