"""What a model says about a split, on which everything else is measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from fairkd.data.blocks import Blocks
from fairkd.errors import DataError
from fairkd.evaluation.cuts import Cuts
from fairkd.evaluation.rates import reported
from fairkd.evaluation.truth import Truth


@dataclass(frozen=True, eq=False)
class Predictions:
    """One model's probabilities for the rows of one split, with their labels and groups.

    What several measurements ask for, the order of the rows by score, is computed once.

    Attributes:
        probabilities: softmax at T = 1, shape ``[N, C]``, float64.
        truth: labels and groups of the same rows.
        decisions: class indices, shape ``[N]``, of a model that does not decide by a threshold on
            its probabilities: one that looks at a row's group, or draws at random. Its
            probabilities are then those of its decisions. ``None`` for any other model.

    Raises:
        DataError: shapes that disagree, or probabilities that are not finite.
    """

    probabilities: NDArray[np.float64]
    truth: Truth
    decisions: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        n, c = self.probabilities.shape
        if c != len(self.classes) or self.y.shape != (n,):
            raise DataError(
                f"Probabilities of shape {(n, c)} do not fit {len(self.classes)} classes and "
                f"labels of shape {self.y.shape}; give one column a class and one row a label."
            )
        if self.decisions is not None and self.decisions.shape != (n,):
            raise DataError(
                f"Decisions of shape {self.decisions.shape} do not fit {n} rows; give one a row."
            )
        broken = int((~np.isfinite(self.probabilities)).any(1).sum())
        if broken:
            raise DataError(
                f"The model's outputs are not finite for {broken} of {n} rows, so nothing can be "
                "measured; its training diverged: lower its learning rate or its loss weights."
            )

    @classmethod
    def from_logits(cls, logits: Tensor, truth: Truth) -> "Predictions":
        """Predictions of a model whose logits for the rows are given.

        Args:
            logits: shape ``[N, C]``.
            truth: of the same rows.
        """
        return cls(logits.detach().double().softmax(-1).cpu().numpy(), truth)

    @property
    def y(self) -> NDArray[np.int64]:
        """The labels, shape ``[N]``."""
        return self.truth.y

    @property
    def memberships(self) -> Mapping[str, NDArray[np.int64]]:
        """For each block, each row's cell, shape ``[N]``; -1 where it is missing."""
        return self.truth.memberships

    @property
    def blocks(self) -> Blocks:
        """The names of the cells."""
        return self.truth.blocks

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.truth.classes

    @property
    def n_rows(self) -> int:
        """The number of rows N."""
        return self.truth.n_rows

    @cached_property
    def ascending(self) -> dict[int, NDArray[np.int64]]:
        """The rows by ascending probability of each class whose rates are reported."""
        return {k: self.probabilities[:, k].argsort() for k in reported(len(self.classes))}

    @property
    def cuts(self) -> Cuts:
        """Every way a threshold can divide the rows, which is large; two classes only."""
        order = self.ascending[1]
        return Cuts.of(self.probabilities[order, 1], self.y[order])

    def ascending_in(self, block: str, cell: int) -> dict[int, NDArray[np.int64]]:
        """`ascending`, of the rows of one cell of a block."""
        inside = self.memberships[block] == cell
        return {k: order[inside[order]] for k, order in self.ascending.items()}

    def predicted(self, threshold: float) -> NDArray[np.int64]:
        """The decisions, shape ``[N]``.

        With two classes a row is positive if its probability of class 1 is at least ``threshold``
        (a tie is positive, as in scikit-learn's `FixedThresholdClassifier`). With more, the most
        likely class is taken (the first of equals) and the threshold does not apply; nor does it to
        a model with decisions of its own.
        """
        if self.decisions is not None:
            return self.decisions
        if len(self.classes) == 2:
            return np.asarray(self.probabilities[:, 1] >= threshold, dtype=np.int64)
        return np.asarray(self.probabilities.argmax(-1), dtype=np.int64)

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "Predictions":
        """The chosen rows, in the order given."""
        decisions = None if self.decisions is None else self.decisions[chosen]
        return Predictions(self.probabilities[chosen], self.truth.rows(chosen), decisions)
