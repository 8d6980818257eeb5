"""From a raw table to a data set ready to train on: the part every loader shares."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch

from fairkd.data.batch import Batch
from fairkd.data.dataset import Dataset
from fairkd.data.group_spec import RareGroups, block_names
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

    Raises:
        DataError: the table cannot be used; see `check_table`, `split_rows`, `GroupEncoder`.
        ConfigError: a value that cannot work.
    """
    blocks = block_names(groups)
    rare = RareGroups.of(rare_groups)
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
    preparation = TabularPreparation.fit(
        raw["train"],
        label=table.label,
        classes=table.classes,
        features=table.features,
        groups=blocks,
        rare_groups=rare,
        use_groups_as_features=use_groups_as_features,
    )
    return Dataset(
        name=table.name,
        splits={name: _batch(preparation, frame) for name, frame in raw.items()},
        blocks=preparation.blocks,
        classes=table.classes,
        fingerprint=table.fingerprint,
        preparation=preparation,
        raw=raw,
    )


def _class_indices(table: RawTable) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    place = {name: i for i, name in enumerate(table.classes)}
    labels = as_text(table.frame[table.label])
    return np.array([place[label] for label in labels], dtype=np.int64)


def _batch(preparation: TabularPreparation, frame: pd.DataFrame) -> Batch:
    return Batch(
        x=torch.from_numpy(preparation.transform(frame)),
        y=torch.from_numpy(preparation.encode_labels(frame)),
        group=torch.from_numpy(preparation.encode_groups(frame)),
        index=torch.arange(len(frame)),
        weight=torch.ones(len(frame)),
    )
