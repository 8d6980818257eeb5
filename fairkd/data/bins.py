"""Numbers as groups: ranges between named edges, or of equal numbers of rows."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairkd.checks import as_typed
from fairkd.data.table import MOST_GROUP_VALUES
from fairkd.data.values import as_numbers, is_number
from fairkd.errors import ConfigError, DataError, unknown_name

Edges = Sequence[float] | int
"""Edges, ascending; or into how many groups of about equally many rows."""


def binned(frame: pd.DataFrame, bins: Mapping[str, Edges]) -> pd.DataFrame:
    """The frame with ranges in place of numbers, to compare groups of people by.

    Edges 25 and 45 make ``<25``, ``25-45`` and ``>=45``: an edge belongs to the range above it. A
    missing number stays missing. The column keeps its name and becomes an ordered category; the
    number itself stands beside it as `number_name`, for `features_of`.

    Args:
        frame: rows whose columns to be binned are numbers.
        bins: edges by column.

    Raises:
        ConfigError: a column that is not there or is no number, or edges that cannot work.
        DataError: a column without any number, or with an infinite one.
    """
    added: dict[str, pd.Series[Any]] = {}
    for name, edges in bins.items():
        column = _column(frame, name)
        added[number_name(name)] = column
        added[name] = _ranges(column, edges)
    return frame.assign(**added)


def check_bins(frame: pd.DataFrame, sensitive: Sequence[str], bins: Mapping[str, Edges]) -> None:
    """Refuse bins that nothing reads, and numbers in groups that have none.

    Args:
        frame: the rows, before binning.
        sensitive: the columns that blocks are made of.
        bins: edges by column.

    Raises:
        ConfigError: it names the column.
    """
    for column in bins:
        if column in frame.columns and column not in sensitive:
            raise ConfigError(
                f"data.bins.{column} has no effect: '{column}' is not in data.groups; name it "
                "there, or leave the key out."
            )
    for column in sensitive:
        distinct = frame[column].nunique()
        if column not in bins and is_number(frame[column]) and distinct > MOST_GROUP_VALUES:
            raise ConfigError(
                f"'{column}' in data.groups is a number with {distinct:,} different values; name "
                f"the edges of ranges, as in 'data.bins={{{column}: [25,45,65]}}', or how many "
                f"ranges of equally many rows, 'data.bins={{{column}: 4}}'."
            )


def number_name(name: str) -> str:
    """What the number of a binned column is called beside its groups: ``age_number``."""
    return f"{name}_number"


def features_of(
    features: Sequence[str], bins: Mapping[str, Edges], *, use_groups_as_features: bool
) -> tuple[str, ...]:
    """The features of a `binned` frame.

    Where groups are features, a model sees the number and not its range; rows to be scored have it
    under `number_name` too. Otherwise it sees neither.

    Args:
        features: the columns a model may see, before binning.
        bins: edges by column.
        use_groups_as_features: whether columns of groups are features.
    """
    if not use_groups_as_features:
        return tuple(name for name in features if name not in bins)
    return tuple(number_name(name) if name in bins else name for name in features)


def _column(frame: pd.DataFrame, name: str) -> "pd.Series[float]":
    available = [str(column) for column in frame.columns]
    if name not in available:
        raise ConfigError(unknown_name("column in data.bins", name, available))
    if number_name(name) in available:
        raise ConfigError(
            f"data.bins.{name} would keep the number as '{number_name(name)}', and there is such a "
            "column already; rename it or leave it out with data.drop."
        )
    if not is_number(frame[name]):
        raise ConfigError(
            f"data.bins.{name} is for a column of numbers, and '{name}' holds text; take it out of "
            f"data.bins, or set 'data.types={{{name}: number}}'."
        )
    return frame[name]


def _ranges(column: "pd.Series[float]", given: Edges) -> "pd.Series[str]":
    name = str(column.name)
    numbers = as_numbers(column)
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        raise DataError(f"The column '{name}' in data.bins has no number in any row.")
    if isinstance(given, int) and not isinstance(given, bool):
        edges = _quantiles(name, known, given)
    else:
        edges = _checked(name, given)
    names = _names(edges)
    codes = np.searchsorted(edges, numbers, side="right")
    codes[np.isnan(numbers)] = -1
    ranges = pd.Categorical.from_codes(codes, pd.Index(names), ordered=True)
    return pd.Series(ranges, index=column.index, name=name)


def _checked(name: str, given: object) -> npt.NDArray[np.float64]:
    accepted = (
        f"ascending numbers, as in 'data.bins={{{name}: [25,45,65]}}', or a whole number of at "
        "least 2 for groups of equally many rows"
    )
    if (
        not isinstance(given, list | tuple)
        or not given
        or any(isinstance(edge, bool) or not isinstance(edge, int | float) for edge in given)
    ):
        raise ConfigError(f"data.bins.{name}={as_typed(given)} is not known; accepted: {accepted}.")
    edges = np.array(given, dtype=np.float64)
    if not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
        raise ConfigError(
            f"data.bins.{name}={as_typed(given)} is not ascending; accepted: {accepted}."
        )
    return edges


def _quantiles(name: str, known: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.float64]:
    """Edges, each a value that occurs, between ``count`` groups of about equally many rows."""
    if count < 2:
        raise ConfigError(
            f"data.bins.{name}={count} is out of range; accepted: at least 2 groups, or edges."
        )
    edges: npt.NDArray[np.float64] = np.unique(
        np.quantile(known, np.arange(1, count) / count, method="higher")
    )
    edges = edges[edges > known.min()]
    if len(edges) + 1 < count:
        most = len(edges) + 1
        fewer = f"at most {most}, or edges" if most > 1 else "edges"
        raise ConfigError(
            f"data.bins.{name}={count} cannot be: so many rows have equal numbers that only {most} "
            f"such group{'' if most == 1 else 's'} can be told apart; accepted: {fewer}."
        )
    return edges


def _names(edges: npt.NDArray[np.float64]) -> list[str]:
    shown = _shown(edges)
    between = " to " if edges[0] < 0 else "-"
    inner = [f"{low}{between}{high}" for low, high in pairwise(shown)]
    return [f"<{shown[0]}", *inner, f">={shown[-1]}"]


def _shown(edges: npt.NDArray[np.float64]) -> list[str]:
    """The edges with as few digits as tell them exactly."""
    return [f"{edge:.0f}" if edge.is_integer() else repr(edge) for edge in map(float, edges)]
