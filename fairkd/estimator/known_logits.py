"""Probabilities that a teacher elsewhere gave the rows, as logits."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from fairkd.data.values import as_text
from fairkd.errors import ConfigError
from fairkd.estimator.given import Given, check_order
from fairkd.models.given.class_order import check_meant, class_order
from fairkd.models.given.outputs import logits_of


def known_logits(name: str, given: object, rows: Given, classes: Sequence[str]) -> Tensor:
    """The logarithms of given probabilities, shape ``[N, C]``, float32.

    Args:
        name: of the argument.
        given: shape ``[N, C]``, or ``[N]`` of the second of two classes. A DataFrame's columns are
            called as the classes, in any order, or 0, 1, ...
        rows: what they are of.
        classes: their names, ascending.

    Raises:
        ConfigError: another shape, other classes, no probabilities, or rows that do not sum to 1.
        ValueError: an index that says that they are of other rows.
    """
    check_order(name, given, rows)
    n_classes = len(classes)
    try:
        found = np.atleast_1d(np.asarray(given, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"{name} is no array of numbers; accepted: probabilities of shape [{rows.size}, "
            f"{n_classes}] with rows that sum to 1."
        ) from error
    if len(found) != rows.size:
        raise ConfigError(f"{name} has {len(found)} rows and X has {rows.size}; give one for each.")
    if found.ndim == 1:
        found = found[:, None]
    columns = _names(given)
    if len(columns) == n_classes:
        found = found[:, class_order(columns, classes, name)]
    elif len(columns) == 1:
        check_meant(columns, classes)
    return logits_of(found, "probabilities", n_classes, name)


def _names(given: object) -> list[str]:
    """What the columns of a frame, or the one of a series, are called; nothing where they count."""
    if isinstance(given, pd.DataFrame):
        columns: Any = given.columns
        counted = type(columns) is pd.RangeIndex
        return [] if counted else list(as_text(pd.Series(list(columns))))
    if isinstance(given, pd.Series) and given.name is not None:
        return list(as_text(pd.Series([given.name])))
    return []
