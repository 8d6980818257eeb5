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
    classes, known = _classes(frame, label)
    if classes is None:
        return []
    count = int(classes.max()) + 1
    return [name for name in columns if _is_copy(frame[name][known], classes, count)]


def leaks(frame: pd.DataFrame, label: str, columns: Sequence[str]) -> list[Leak]:
    """The columns of which each alone tells the label of at least `NEARLY` of the rows.

    A tree of few leaves learns each column by itself on half of at most 10,000 rows and is judged
    on the other half; the same rows at every call.

    Args:
        frame: raw rows.
        label: the label's column.
        columns: those to look at, none of them nested.
    """
    classes, known = _classes(frame, label)
    if classes is None:
        return []
    places = np.random.default_rng(0).permutation(len(classes))[:_SAMPLE]
    half = len(places) // 2
    learned, judged = places[:half], places[half:]
    base = float(np.bincount(classes[judged]).max()) / len(judged)
    rows = np.flatnonzero(known)
    found = []
    for name in columns:
        values = np.zeros((len(classes), 1))
        values[places, 0] = _values(frame[name].iloc[rows[places]])
        tree = DecisionTreeClassifier(max_leaf_nodes=_LEAVES, random_state=0)
        tree.fit(values[learned], classes[learned])
        accuracy = float((tree.predict(values[judged]) == classes[judged]).mean())
        if accuracy >= NEARLY and 1 - accuracy <= ERRORS_LEFT * (1 - base):
            found.append(Leak(name, accuracy, base))
    return found


def _classes(frame: pd.DataFrame, label: str) -> tuple[Codes | None, npt.NDArray[np.bool_]]:
    """Class numbers of the rows with a label, and which rows these are; ``None`` if not to say."""
    codes, values = pd.factorize(frame[label])
    known = codes >= 0
    usable = 1 < len(values) <= MOST_CLASSES and known.sum() >= FEWEST_ROWS
    return (codes[known] if usable else None), known


def _is_copy(column: "pd.Series[Any]", classes: Codes, count: int) -> bool:
    if column.nunique(dropna=False) != count:
        return False
    codes, _ = pd.factorize(column, use_na_sentinel=False)
    return len(np.unique(codes.astype(np.int64) * count + classes)) == count


def _values(column: "pd.Series[Any]") -> npt.NDArray[np.float64]:
    """Numbers, or categories by how common they are; a missing value is below all others."""
    if is_number(column):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        finite = np.clip(numbers, -3e38, 3e38)  # scikit-learn's trees are float32
        lowest = np.nanmin(finite, initial=0.0)
        filled: npt.NDArray[np.float64] = np.where(
            np.isnan(finite), lowest - abs(lowest) - 1, finite
        )
        return filled
    codes, _ = pd.factorize(column)
    order = np.argsort(np.argsort(-np.bincount(codes[codes >= 0], minlength=1), kind="stable"))
    ranks: npt.NDArray[np.float64] = np.append(order, -1)[codes].astype(np.float64)
    return ranks
