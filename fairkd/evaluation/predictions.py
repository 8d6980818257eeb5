"""What a model says about a split, on which everything else is measured."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.errors import DataError

_ONE_HOT_SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class Predictions:
    """One model's probabilities for the rows of one split, with their labels and groups.

    Attributes:
        probabilities: softmax at T = 1, shape ``[N, C]``, float64.
        y: class indices, shape ``[N]``, int64.
        memberships: for each block, each row's cell, shape ``[N]``, int64; -1 where it is missing.
        blocks: the names of the cells.
        classes: the names of the classes; of two, the second is the positive one.

    Raises:
        DataError: no rows, shapes that disagree, or probabilities that are not finite.
    """

    probabilities: NDArray[np.float64]
    y: NDArray[np.int64]
    memberships: Mapping[str, NDArray[np.int64]]
    blocks: Blocks
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        n, c = self.probabilities.shape
        if n == 0:
            raise DataError("There is no row to evaluate; give the split at least one row.")
        if c != len(self.classes) or self.y.shape != (n,):
            raise DataError(
                f"Probabilities of shape {(n, c)} do not fit {len(self.classes)} classes and "
                f"labels of shape {self.y.shape}; give one column a class and one row a label."
            )
        broken = int((~np.isfinite(self.probabilities)).any(1).sum())
        if broken:
            raise DataError(
                f"The model's outputs are not finite for {broken} of {n} rows, so nothing can be "
                "measured; its training diverged: lower its learning rate or its loss weights."
            )
        _require_range("labels", self.y, 0, c)
        for block in self.blocks:
            if block.name not in self.memberships or self.memberships[block.name].shape != (n,):
                raise DataError(f"The block '{block.name}' needs one cell for each of {n} rows.")
            _require_range(
                f"cells of block '{block.name}'", self.memberships[block.name], -1, len(block.cells)
            )

    @classmethod
    def from_logits(
        cls, logits: Tensor, batch: Batch, blocks: Blocks, classes: tuple[str, ...]
    ) -> "Predictions":
        """Predictions of a model whose logits for the rows of ``batch`` are given.

        A row's cell is known only where its membership is certain (one-hot): a distribution or a
        zero row counts as missing. Of soft labels, the most likely class is taken.

        Args:
            logits: shape ``[N, C]``.
            batch: the split.
            blocks: the columns of ``batch.group``.
            classes: the names of the classes.
        """
        y = batch.y if batch.y.ndim == 1 else batch.y.argmax(-1)
        memberships = {}
        for block in blocks:
            certainty, cell = block.of(batch.group).max(-1)
            known = certainty >= 1 - _ONE_HOT_SLACK
            memberships[block.name] = cell.where(known, -1).cpu().numpy().astype(np.int64)
        return cls(
            probabilities=logits.detach().double().softmax(-1).cpu().numpy(),
            y=y.cpu().numpy().astype(np.int64),
            memberships=memberships,
            blocks=blocks,
            classes=classes,
        )

    @property
    def n_rows(self) -> int:
        """The number of rows N."""
        return len(self.y)

    def predicted(self, threshold: float) -> NDArray[np.int64]:
        """The decisions, shape ``[N]``.

        With two classes a row is positive if its probability of class 1 is at least ``threshold``
        (a tie is positive, as in scikit-learn's `FixedThresholdClassifier`). With more, the most
        likely class is taken (the first of equals) and the threshold does not apply.
        """
        if len(self.classes) == 2:
            return np.asarray(self.probabilities[:, 1] >= threshold, dtype=np.int64)
        return np.asarray(self.probabilities.argmax(-1), dtype=np.int64)

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "Predictions":
        """The chosen rows, in the order given."""
        return Predictions(
            probabilities=self.probabilities[chosen],
            y=self.y[chosen],
            memberships={name: cell[chosen] for name, cell in self.memberships.items()},
            blocks=self.blocks,
            classes=self.classes,
        )


def _require_range(what: str, values: NDArray[np.int64], least: int, end: int) -> None:
    if values.size and (values.min() < least or values.max() >= end):
        raise DataError(
            f"The {what} go from {values.min()} to {values.max()}; accepted: {least} to {end - 1}."
        )
