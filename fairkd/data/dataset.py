"""A data set ready to train on: tensors by split, with the names that give them meaning."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from fairkd.data.image_form import ImageForm
    from fairkd.data.tabular import TabularPreparation

SPLITS = ("train", "validation", "test")
CERTIFY = "certify"
"""The split of rows that certify bounds, where there are such rows."""
PREPARATION = "preparation"
"""Where a preparation lies beside the weights of a model that needs it."""


@dataclass(frozen=True)
class Dataset:
    """Everything about the data that training and evaluation ask for.

    Attributes:
        name: the catalogue's name.
        splits: one whole-split `Batch` for each of ``train``, ``validation`` and ``test``, and for
            ``certify`` where rows are kept apart to certify bounds.
        blocks: the sensitive attributes' columns.
        classes: the label's values; with two classes the second is the positive one.
        fingerprint: a hash of the source's content (not of splits, seeds or preparation).
        preparation: what turns raw rows into ``x`` and ``group``, fitted on ``train`` only.
        raw: each split's rows as the source has them, but for features that were deleted on
            purpose, in the order of its `Batch`; empty where the data has no table behind it.
        rows: each split's row positions in that table, counted from 0, in the order of its `Batch`,
            shape ``[N]``; empty where there is no table.
        images: the form of rows that are images out of files.
    """

    name: str
    splits: Mapping[str, Batch]
    blocks: Blocks
    classes: tuple[str, ...]
    fingerprint: str
    preparation: "TabularPreparation | None" = None
    raw: "Mapping[str, pd.DataFrame]" = field(default_factory=dict)
    rows: "Mapping[str, npt.NDArray[np.int64]]" = field(default_factory=dict)
    images: "ImageForm | None" = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one row of ``x``."""
        return tuple(self.splits["train"].x.shape[1:])

    @cached_property
    def told_groups(self) -> str:
        """A hash of what training is told of its rows' groups; beside other flaws, another one."""
        return hashlib.sha256(self.splits["train"].group.numpy().tobytes()).hexdigest()

    @property
    def n_features(self) -> int:
        """The width of a flat ``x``."""
        return int(self.splits["train"].x[0].numel())
