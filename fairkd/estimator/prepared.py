"""Given rows as a data set: checked, split and prepared as every table is."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.dataset import Dataset
from fairkd.data.group_spec import RareGroups
from fairkd.data.groups import GroupEncoder
from fairkd.data.splits import split_rows
from fairkd.data.table import RawTable, check_table
from fairkd.data.tabular import TabularPreparation
from fairkd.errors import DataError

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Layout:
    """How columns of X and sensitive features stand side by side in one table.

    Attributes:
        names: of the columns of X, in order: as they are, but for those that share a name with a
            sensitive feature.
        features: those of them that a model sees.
        label: the column of labels.
    """

    names: tuple[str, ...]
    features: tuple[str, ...]
    label: str

    @classmethod
    def of(
        cls, columns: Sequence[str], groups: Sequence[str], *, use_groups_as_features: bool
    ) -> "Layout":
        """Name every column differently.

        Args:
            columns: of X.
            groups: the sensitive features.
            use_groups_as_features: keep columns of X that are sensitive features.
        """
        taken = {*columns, *groups}
        names = {name: _free(f"X.{name}", taken) if name in groups else name for name in columns}
        return cls(
            names=tuple(names.values()),
            features=tuple(
                inside
                for name, inside in names.items()
                if use_groups_as_features or name not in groups
            ),
            label=_free("y", {*taken, *names.values()}),
        )

    def table(self, frame: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
        """The columns of X and those of the groups."""
        return pd.concat([frame.set_axis(list(self.names), axis=1), groups], axis=1)


@dataclass(frozen=True, eq=False)
class Prepared:
    """Rows ready to train on.

    Attributes:
        dataset: with ``train`` and ``validation``; its ``test`` has no rows.
        places: of the rows of those two among the given ones.
        layout: of its columns.
    """

    dataset: Dataset
    places: dict[str, Places]
    layout: Layout

    @property
    def preparation(self) -> TabularPreparation:
        """What prepares further rows alike."""
        found = self.dataset.preparation
        if found is None:
            raise ValueError("Rows of arrays have no preparation.")
        return found


def prepared(
    frame: pd.DataFrame,
    groups: pd.DataFrame,
    labels: Places,
    classes: tuple[str, ...],
    *,
    intersections: Sequence[str],
    seed: int,
    validation_fraction: float,
    use_groups_as_features: bool,
) -> Prepared:
    """Check, split and prepare rows.

    Groups are known from all rows, features from the training rows alone.

    Args:
        frame: the features.
        groups: the sensitive features, one column each; they may be none.
        labels: each row's place among the classes, shape ``[N]``.
        classes: their names, ascending.
        intersections: further blocks, ``a+b``.
        seed: of the split.
        validation_fraction: share of the rows that choose the best epoch. Where a class has too few
            rows for that, the training rows choose it as well, and a warning says so.
        use_groups_as_features: keep columns of X that are sensitive features.

    Raises:
        ConfigError: a value that cannot work.
        DataError: rows that cannot be learned from.
    """
    blocks = [str(name) for name in groups.columns] + list(intersections)
    layout = Layout.of(
        list(frame.columns), list(groups.columns), use_groups_as_features=use_groups_as_features
    )
    whole = layout.table(frame, groups)
    whole[layout.label] = np.array(classes, dtype=object)[labels]
    table = RawTable("X", whole, layout.label, classes, layout.features, "X", fingerprint="")
    check_table(table, blocks)
    places = _split(labels, classes, seed, validation_fraction)
    train = whole.iloc[places["train"]].reset_index(drop=True)
    fitted = TabularPreparation.fit(
        train, label=layout.label, classes=classes, features=layout.features, groups=()
    )
    preparation = replace(fitted, groups=GroupEncoder.fit(whole, blocks, RareGroups()))
    splits = {name: _batch(preparation, whole.iloc[rows]) for name, rows in places.items()}
    splits["test"] = _batch(preparation, whole.iloc[:0])
    dataset = Dataset("X", splits, preparation.blocks, classes, "", preparation)
    return Prepared(dataset, places, layout)


def features_of(preparation: TabularPreparation, frame: pd.DataFrame) -> Batch:
    """Rows of which neither labels nor groups are asked.

    Raises:
        DataError: see `TabularPreparation.transform`.
    """
    return unlabelled(torch.from_numpy(preparation.transform(frame)))


def unlabelled(x: Tensor) -> Batch:
    """Features, shape ``[N, ...]``, as rows that a model can be asked about."""
    rows = len(x)
    return Batch(
        x=x,
        y=torch.zeros(rows, dtype=torch.int64),
        group=torch.zeros(rows, 0),
        index=torch.arange(rows),
        weight=torch.ones(rows),
    )


def _split(
    labels: Places, classes: tuple[str, ...], seed: int, validation_fraction: float
) -> dict[str, Places]:
    try:
        rows = split_rows(
            labels,
            classes,
            seed=seed,
            validation_fraction=validation_fraction,
            test_fraction=None,
            official_test=np.zeros(len(labels), dtype=bool),
        )
    except DataError:
        counts = np.bincount(labels, minlength=len(classes))
        rarest = int(counts.argmin())
        warnings.warn(
            f"The class '{classes[rarest]}' has {counts[rarest]} of {len(labels)} rows, too few to "
            f"hold validation_fraction={validation_fraction:g} of them apart; the training rows "
            "choose the best epoch as well.",
            UserWarning,
            stacklevel=2,
        )
        everything = np.arange(len(labels), dtype=np.int64)
        return {"train": everything, "validation": everything}
    return {name: rows[name] for name in ("train", "validation")}


def _batch(preparation: TabularPreparation, frame: pd.DataFrame) -> Batch:
    features = features_of(preparation, frame)
    return features._replace(
        y=torch.from_numpy(preparation.encode_labels(frame)),
        group=torch.from_numpy(preparation.encode_groups(frame)),
    )


def _free(name: str, taken: set[str]) -> str:
    return name if name not in taken else _free(f"{name}_", taken)
