"""Iris with a planted group block: small, three classes, nothing to download.

Iris has no people and no sensitive attribute. The block ``planted_sepal`` is made here from a
feature, so that the whole framework can be tried in seconds; its disparities mean nothing.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import as_file, files
from typing import Any

import numpy as np
from sklearn.datasets import load_iris as read_iris

from fairkd.data.assembly import assemble
from fairkd.data.dataset import Dataset
from fairkd.data.fetch import fingerprint
from fairkd.data.table import RawTable

LABEL = "species"
PLANTED = "planted_sepal"
SEPAL_WIDTH = "sepal width (cm)"


def load_iris(
    *,
    groups: Sequence[str] = (PLANTED,),
    seed: int,
    validation_fraction: float = 0.25,
    test_fraction: float = 0.25,
    certify_fraction: float | None = None,
    use_groups_as_features: bool = False,
    rare_groups: Mapping[str, Any] | None = None,
    imperfect: Mapping[str, Any] | None = None,
    split: Mapping[str, Any] | None = None,
    name: str = "iris",
) -> Dataset:
    """Load scikit-learn's Iris, with the planted groups ``narrow`` and ``wide``.

    A flower is ``wide`` if its sepal is wider than the median of all 150 rows.

    Args:
        groups: the group blocks.
        seed: decides the split.
        validation_fraction: of the rows that are not test rows.
        test_fraction: of all rows.
        certify_fraction: of the rows that are not test rows: rows that certify bounds.
        use_groups_as_features: keep the planted column among the features.
        rare_groups: ``rule`` and ``limit``, see `RareGroups`.
        imperfect: what is planted, or known to be wrong, see `Imperfect`.
        split: how rows are divided, see `Splitting`.
        name: the name the data set goes by.

    Raises:
        DataError: a block or a split that the data cannot give.
        ConfigError: a value that cannot work.
    """
    source = read_iris(as_frame=True)
    classes = tuple(str(species) for species in source.target_names)
    frame = source.data.copy()
    wide = frame[SEPAL_WIDTH] > frame[SEPAL_WIDTH].median()
    frame[PLANTED] = np.where(wide, "wide", "narrow")
    features = tuple(frame.columns)
    frame[LABEL] = source.target_names[source.target]
    with as_file(files("sklearn.datasets") / "data" / "iris.csv") as file:
        checksum = fingerprint([file])
    table = RawTable(
        name=name,
        frame=frame,
        label=LABEL,
        classes=classes,
        features=features,
        origin="scikit-learn's Iris",
        fingerprint=checksum,
    )
    return assemble(
        table,
        groups=groups,
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        certify_fraction=certify_fraction,
        use_groups_as_features=use_groups_as_features,
        rare_groups=rare_groups,
        imperfect=imperfect,
        split=split,
    )
