"""A data set ready to train on: tensors by split, with the names that give them meaning."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.source_rows import SourceRows
from fairkd.data.split_names import CERTIFY as CERTIFY
from fairkd.data.split_names import SPLITS as SPLITS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from fairkd.data.image_form import ImageForm
    from fairkd.data.inspection import Column
    from fairkd.data.tabular import TabularPreparation

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
            purpose, in the order of its `Batch`, copied at each access (see `SourceRows`); empty
            where the data has no table behind it.
        rows: each split's row positions in that table, counted from 0, in the order of its `Batch`,
            shape ``[N]``; empty where there is no table.
        images: the form of rows that are images out of files.
        columns: what is known of each column of a table that was inspected.
        told: how such a table was read, short lines for a person.
    """

    name: str
    splits: Mapping[str, Batch]
    blocks: Blocks
    classes: tuple[str, ...]
    fingerprint: str
    preparation: "TabularPreparation | None" = None
    raw: SourceRows = field(default_factory=SourceRows.none)
    rows: "Mapping[str, npt.NDArray[np.int64]]" = field(default_factory=dict)
    images: "ImageForm | None" = None
    columns: "Sequence[Column]" = ()
    told: Sequence[str] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one row of ``x``."""
        return tuple(self.splits["train"].x.shape[1:])

    @cached_property
    def told_groups(self) -> str:
        """A hash of what training is told of its rows' groups; beside other flaws, another one."""
        return hashlib.sha256(self.splits["train"].group.contiguous().numpy().data).hexdigest()

    @property
    def n_features(self) -> int:
        """The width of a flat ``x``."""
        return int(self.splits["train"].x[0].numel())
