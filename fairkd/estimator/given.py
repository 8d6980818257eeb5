"""X, y and sensitive features as a Python user has them, checked and as frames."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import is_hashable
from sklearn.base import BaseEstimator
from sklearn.utils import assert_all_finite, check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from fairkd.data.values import as_text
from fairkd.estimator.refusals import RefusedError

Labels = npt.NDArray[Any]
_KINDS = {"M": "dates", "m": "durations", "c": "complex numbers"}


class Given(NamedTuple):
    """Rows in two forms.

    Attributes:
        x: as they were given: a DataFrame, or an array of numbers, shape ``[N, F]``; what a teacher
            of the user's own is asked about.
        frame: the same as a DataFrame whose columns are texts.
    """

    x: "pd.DataFrame | npt.NDArray[Any]"
    frame: pd.DataFrame

    @property
    def size(self) -> int:
        """The number of rows."""
        return len(self.frame)


def rows_given(
    estimator: BaseEstimator, x: object, y: object = "no_validation", *, fitting: bool
) -> Given:
    """Check the features as scikit-learn would, and note or compare their number and names.

    Args:
        estimator: gets ``n_features_in_`` and ``feature_names_in_``, or has them.
        x: a DataFrame with columns of any kind, or anything that makes an array of numbers.
        y: the labels, which may not be ``None``.
        fitting: whether these rows say what later ones have to look like.

    Raises:
        ValueError: no table, no rows, sparse, infinite, or not like the fitted ones; no labels.
        TypeError: a cell that is neither a number nor text.
    """
    least = 2 if fitting else 1
    if not isinstance(x, pd.DataFrame):
        checked = check_array(
            x,
            dtype="numeric",
            ensure_all_finite="allow-nan",
            ensure_min_samples=least,
            estimator=estimator,
            input_name="X",
        )
        validate_data(estimator, checked, y, reset=fitting, skip_check_array=True)
        return Given(checked, pd.DataFrame(checked, columns=_numbered("x", checked.shape[1])))
    _check_frame(x, least)
    validate_data(estimator, x, y, reset=fitting, skip_check_array=True)
    frame = x.reset_index(drop=True)
    return Given(x, frame.set_axis([str(name) for name in x.columns], axis=1))


def labels_given(y: object) -> tuple[Labels, Labels]:
    """The classes, ascending, and each row's place among them, shape ``[N]``.

    Raises:
        ValueError: several columns, missing or infinite values, numbers that are no classes, or
            one class only.
    """
    columns = getattr(y, "shape", (0,))[1:]
    if columns and columns[0] > 1:
        raise RefusedError(
            f"y has {columns[0]} columns; accepted: one label of each row. Several labels a row "
            "(multi-label) are not supported: fit one FairDistiller for each."
        )
    labels = column_or_1d(y, warn=True)
    assert_all_finite(labels, input_name="y")
    if labels.dtype == object and pd.isna(labels).any():
        raise RefusedError("Input y contains NaN or None; remove the rows without a label.")
    check_classification_targets(labels)  # refuses regression
    classes, places = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise RefusedError(
            f"y has only the class {classes.tolist()[0]!r}; at least two classes are needed."
        )
    return classes, places


def places_among(classes: Labels, y: object) -> Labels:
    """Each row's place among fitted classes, shape ``[N]``.

    Raises:
        ValueError: a label that is none of them.
    """
    labels = column_or_1d(y, warn=True)
    known = {label: place for place, label in enumerate(classes.tolist())}
    for label in labels.tolist():
        if label not in known:
            listed = ", ".join(map(repr, known))
            raise RefusedError(f"y has the label {label!r}; the fitted classes are: {listed}.")
    return np.array([known[label] for label in labels.tolist()], dtype=np.int64)


def class_names(classes: Labels) -> tuple[str, ...]:
    """The classes as a table's text has them."""
    return tuple(as_text(pd.Series(classes)))


def groups_given(sensitive_features: object, rows: int) -> pd.DataFrame:
    """The sensitive features as a DataFrame, one column each; no columns for ``None``.

    Args:
        sensitive_features: a DataFrame, a Series, a mapping of names to columns, or an array of one
            or two dimensions.
        rows: how many are expected.

    Raises:
        ValueError: another number of rows, or columns without names of their own.
    """
    if sensitive_features is None:
        return pd.DataFrame(index=pd.RangeIndex(rows))
    frame = _grouped(sensitive_features)
    if len(frame) != rows:
        raise RefusedError(
            f"sensitive_features has {len(frame)} rows and X has {rows}; give one row for each."
        )
    names = [str(name) for name in frame.columns]
    _check_names("sensitive_features", names)
    return frame.reset_index(drop=True).set_axis(names, axis=1)


def check_order(name: str, given: object, rows: Given, labels: object = None) -> None:
    """Refuse rows that stand in another order than those of X, by their indices.

    Args:
        name: of the argument.
        given: a Series, a DataFrame, a mapping of names to columns, or anything without an index.
        rows: X.
        labels: y, which tells the order where X has no index.

    Raises:
        ValueError: both have the same index, in another order.
    """
    like, other = ("X", rows.x) if isinstance(rows.x, pd.DataFrame) else ("y", labels)
    theirs = getattr(other, "index", None)
    if not isinstance(theirs, pd.Index):
        return
    for column in given.values() if isinstance(given, dict) else (given,):
        ours = getattr(column, "index", None)
        if not isinstance(ours, pd.Index) or len(ours) != len(theirs) or ours.equals(theirs):
            continue
        if set(ours) == set(theirs):
            raise RefusedError(
                f"{name} has the index of {like} in another order, and rows are matched by their "
                f"places; bring it into that of {like} ({name}.loc[{like}.index]), or pass an "
                "array if it is in order."
            )


def _grouped(given: Any) -> pd.DataFrame:
    if isinstance(given, pd.DataFrame):
        return given
    if isinstance(given, pd.Series):
        return given.to_frame("group" if given.name is None else given.name)
    try:
        if isinstance(given, dict):
            return pd.DataFrame({name: np.asarray(values) for name, values in given.items()})
        array = np.asarray(given)
        names = ["group"] if array.ndim == 1 else _numbered("group", array.shape[1])
        return pd.DataFrame(array.reshape(len(array), len(names)), columns=names).infer_objects()
    except (TypeError, ValueError, IndexError) as error:
        raise RefusedError(
            "sensitive_features is no table; accepted: a DataFrame, a Series, a mapping of names "
            "to columns, or an array of one or two dimensions."
        ) from error


def _check_frame(frame: pd.DataFrame, least: int) -> None:
    if frame.shape[1] == 0:
        raise RefusedError(f"Found array with 0 feature(s) (shape={frame.shape}); give at least 1.")
    if len(frame) < least:
        raise RefusedError(
            f"Found array with {len(frame)} sample(s) (shape={frame.shape}) while a minimum of "
            f"{least} is required."
        )
    _check_names("X", [str(name) for name in frame.columns])
    for name, column in frame.items():
        kind = getattr(column.dtype, "kind", "O")
        if isinstance(column.dtype, pd.SparseDtype):
            raise RefusedError(
                f"The column '{name}' of X is sparse; make it dense: X['{name}'].sparse.to_dense()."
            )
        if kind in _KINDS:
            raise RefusedError(
                f"The column '{name}' of X holds {_KINDS[kind]}; turn them into numbers or text."
            )
        if column.dtype == object and not column.map(is_hashable).all():
            raise TypeError(
                f"The column '{name}' of X holds cells that are neither numbers nor text; every "
                "argument must be a string or a real number."
            )


def _check_names(what: str, names: Sequence[str]) -> None:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise RefusedError(f"{what} has several columns '{twice[0]}'; give each its own name.")


def _numbered(name: str, count: int) -> list[str]:
    return [f"{name}{place}" for place in range(count)]
