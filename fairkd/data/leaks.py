"""Features that are the label in other words, or nearly so: known only once the label is."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from fairkd.data.values import is_number

MOST_CLASSES = 100
"""Of a label with more, nothing is said."""
FEWEST_ROWS = 20
"""With fewer rows, a column is like the label by chance."""
NEARLY = 0.99
"""The share of held-out rows that a single column has to tell right ..."""
ERRORS_LEFT = 0.1
"""... while it leaves at most this share of the errors of naming the most common class."""
_SAMPLE = 10_000
_LEAVES = 32

Codes = npt.NDArray[np.intp]


class Leak(NamedTuple):
    """A column that alone tells nearly every label.

    Attributes:
        column: its name.
        accuracy: of a small tree on that column, on held-out rows.
        base: the share of the most common class among them.
    """

    column: str
    accuracy: float
    base: float


def label_copies(frame: pd.DataFrame, label: str, columns: Sequence[str]) -> list[str]:
    """The columns whose values go with the classes one to one, missing being a value."""
    labelled = _labelled(frame, label)
    if labelled is None:
        return []
    rows, classes = labelled
    sample = _sample(len(rows))

    def is_copy(column: "pd.Series[Any]") -> bool:
        few = column.iloc[rows[sample]]  # which tells most columns apart at once
        return _one_to_one(few, classes[sample]) and _one_to_one(column.iloc[rows], classes)

    return [name for name in columns if is_copy(frame[name])]


def leaks(frame: pd.DataFrame, label: str, columns: Sequence[str]) -> list[Leak]:
    """The columns of which each alone tells the label of at least `NEARLY` of the rows.

    A tree of few leaves learns each column by itself on half of at most 10,000 rows and is judged
    on the other half; the same rows at every call.

    Args:
        frame: raw rows.
        label: the label's column.
        columns: those to look at, none of them nested.
    """
    labelled = _labelled(frame, label)
    if labelled is None:
        return []
    rows, classes = labelled
    sample = _sample(len(rows))
    y = classes[sample]
    half = len(sample) // 2
    base = float(np.bincount(y[half:]).max()) / len(y[half:])
    found = []
    for name in columns:
        x = _values(frame[name].iloc[rows[sample]])[:, None]
        tree = DecisionTreeClassifier(max_leaf_nodes=_LEAVES, random_state=0)
        tree.fit(x[:half], y[:half])
        accuracy = float((tree.predict(x[half:]) == y[half:]).mean())
        if accuracy >= NEARLY and 1 - accuracy <= ERRORS_LEFT * (1 - base):
            found.append(Leak(name, accuracy, base))
    return found


def _labelled(frame: pd.DataFrame, label: str) -> tuple[Codes, Codes] | None:
    """The rows with a label and their class numbers; None where nothing is said of the label."""
    codes, values = pd.factorize(frame[label])
    rows = np.flatnonzero(codes >= 0)
    if not 1 < len(values) <= MOST_CLASSES or len(rows) < FEWEST_ROWS:
        return None
    return rows, codes[rows]


def _sample(rows: int) -> Codes:
    """The same places at every call, in random order, at most 10,000."""
    return np.random.default_rng(0).permutation(rows)[:_SAMPLE]


def _one_to_one(column: "pd.Series[Any]", classes: Codes) -> bool:
    codes, values = pd.factorize(column, use_na_sentinel=False)
    found = len(np.unique(classes))
    if len(values) != found:
        return False
    return len(np.unique(codes.astype(np.int64) * (int(classes.max()) + 1) + classes)) == found


def _values(column: "pd.Series[Any]") -> npt.NDArray[np.float64]:
    """Numbers, or categories by how common they are; a missing value is below all others."""
    if is_number(column):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        finite = np.clip(numbers, -1e38, 1e38)  # scikit-learn's trees are float32
        lowest = np.nanmin(finite, initial=0.0)
        filled: npt.NDArray[np.float64] = np.where(
            np.isnan(finite), lowest - abs(lowest) - 1, finite
        )
        return filled
    codes, _ = pd.factorize(column)
    order = np.argsort(np.argsort(-np.bincount(codes[codes >= 0], minlength=1), kind="stable"))
    ranks: npt.NDArray[np.float64] = np.append(order, -1)[codes].astype(np.float64)
    return ranks
