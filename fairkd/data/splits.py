"""Which rows train, select, test and certify."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairkd.checks import number, whole
from fairkd.data.dividing import Divide, Rows, at_random, latest, stratified, whole_entities
from fairkd.data.split_names import CERTIFY, SPLITS
from fairkd.data.splitting import Splitting
from fairkd.data.values import as_text
from fairkd.errors import ConfigError, DataError

_MOST = 0.9


def split_rows(
    labels: Rows,
    classes: Sequence[str],
    *,
    seed: int,
    validation_fraction: float,
    test_fraction: float | None,
    certify_fraction: float | None = None,
    official_test: npt.NDArray[np.bool_] | None = None,
    splitting: Splitting | None = None,
    column: "pd.Series[Any] | None" = None,
) -> dict[str, Rows]:
    """Return each split's row positions, ascending.

    By time, training rows come first, then those of validation, those that certify, and test. By a
    column, a part other than test that it names in no row is drawn from the training rows,
    stratified: the fractions are then of those rows.

    Args:
        labels: class indices, shape ``[N]``.
        classes: the classes' names, for the sentences.
        seed: decides the split alone; no global random state is read or changed.
        validation_fraction: of the rows that are not test rows (by entity: of the entities).
        test_fraction: of all rows (entities); None where the source has an official test part.
        certify_fraction: of the rows (entities) that are not test rows: those that certify bounds,
            which neither train nor select; None for none.
        official_test: true for the rows of the official test part, shape ``[N]``.
        splitting: the way to divide; stratified on the labels by default.
        column: what the way reads, shape ``[N]``; None where it reads none.

    Raises:
        ConfigError: a fraction or seed that cannot work.
        DataError: a class with too few rows for every split to have one, or a column that cannot
            divide the rows.
    """
    whole("data.seed", seed, most=2**32 - 1)
    number("data.validation_fraction", validation_fraction, above=0, most=_MOST)
    by = (splitting or Splitting()).by
    everything = np.arange(len(labels), dtype=np.int64)
    if official_test is not None and by not in ("stratified", "random"):
        raise ConfigError(
            f"data.split.by={by} cannot be used beside the official test part of this data; set "
            "data.official_test=false to pool both parts."
        )
    if splitting is not None and by == "column" and column is not None:
        parts = _named_parts(column, splitting)
        rest, wanted = parts["train"], {}
        if "validation" not in parts:
            wanted["validation"] = validation_fraction
        if CERTIFY not in parts and certify_fraction is not None:
            wanted[CERTIFY] = certify_fraction
        divide = stratified(labels, classes, seed)
    else:
        divide = _divide(by, column, labels, classes, seed)
        rest, test = _test_rows(everything, divide, test_fraction, official_test)
        parts = {"test": test}
        wanted = {"validation": validation_fraction}
        if certify_fraction is not None:
            wanted[CERTIFY] = certify_fraction
    parts = parts | _shared_out(rest, divide, wanted)
    # An official test part is as it is; a class that it lacks is undefined there.
    _check_classes(parts, labels, classes, by, but="test" if official_test is not None else None)
    return {name: parts[name] for name in (*SPLITS, CERTIFY) if name in parts}


def _divide(
    by: str, column: "pd.Series[Any] | None", labels: Rows, classes: Sequence[str], seed: int
) -> Divide:
    if by == "random":
        return at_random(seed)
    if by == "stratified" or column is None:
        return stratified(labels, classes, seed)
    return latest(column) if by == "time" else whole_entities(column, labels, classes, seed)


def _test_rows(
    everything: Rows,
    divide: Divide,
    test_fraction: float | None,
    official_test: npt.NDArray[np.bool_] | None,
) -> tuple[Rows, Rows]:
    """The other rows, and those of test."""
    if official_test is None:
        fraction = number("data.test_fraction", test_fraction, above=0, most=_MOST)
        return divide(everything, fraction)
    if test_fraction is not None:
        raise ConfigError(
            f"data.test_fraction={test_fraction} cannot be used beside the official test part "
            "of this data; leave it null, or set data.official_test=false to pool both parts."
        )
    return everything[~official_test], everything[official_test]


def _shared_out(rest: Rows, divide: Divide, wanted: Mapping[str, float]) -> dict[str, Rows]:
    """Rows for validation and certifying, each as its fraction of ``rest``, and for training."""
    parts: dict[str, Rows] = {}
    left = 1.0
    if CERTIFY in wanted:
        fraction = number("data.certify_fraction", wanted[CERTIFY], above=0, most=_MOST)
        validation_fraction = wanted.get("validation", 0.0)
        if validation_fraction + fraction > _MOST:
            raise ConfigError(
                f"data.validation_fraction={validation_fraction} and data.certify_fraction="
                f"{fraction} leave too few rows to train on; accepted: at most {_MOST} together."
            )
        rest, parts[CERTIFY] = divide(rest, fraction)
        left = 1 - fraction
    if "validation" in wanted:
        rest, parts["validation"] = divide(rest, wanted["validation"] / left)
    return parts | {"train": rest}


def _named_parts(column: "pd.Series[Any]", splitting: Splitting) -> dict[str, Rows]:
    """The rows of each part that the column names.

    Raises:
        DataError: a row of no part, or no row of train or of test.
    """
    known = {
        value: part
        for part, values in splitting.parts.items()
        for value in as_text(pd.Series(values, dtype=object))
    }
    codes, values = pd.factorize(as_text(column))
    for place in np.unique(codes):
        if place < 0 or values[place] not in known:
            holds = "an empty cell" if place < 0 else f"'{values[place]}'"
            raise DataError(
                f"The column '{column.name}' named in data.split.column holds {holds} in "
                f"{int((codes == place).sum())} of {len(codes)} rows; accepted: "
                f"{', '.join(map(str, known))}: name its values in data.split.parts, or remove "
                "those rows."
            )
    names = np.array([known[value] for value in values])[codes]
    parts = {part: np.flatnonzero(names == part) for part in splitting.parts}
    for part in ("train", "test"):
        if not len(parts[part]):
            raise DataError(
                f"The column '{column.name}' named in data.split.column marks no row as {part} "
                f"({', '.join(map(str, splitting.parts[part]))}); it holds: "
                f"{', '.join(map(str, values))}: name its values in data.split.parts."
            )
    return {part: rows for part, rows in parts.items() if len(rows)}


def _check_classes(
    parts: Mapping[str, Rows], labels: Rows, classes: Sequence[str], by: str, but: str | None
) -> None:
    for name, rows in parts.items():
        counts = np.bincount(labels[rows], minlength=len(classes))
        if name != but and not counts.all():
            raise DataError(
                f"The class '{classes[int(counts.argmin())]}' has no row in the split '{name}' "
                f"when rows are divided by {by}, and every class must appear in every split; use "
                "more rows, change data.validation_fraction or data.test_fraction, or choose "
                "another data.split.by."
            )
