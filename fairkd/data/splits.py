"""Which rows train, select and test: seeded and stratified on the label."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from fairkd.checks import number, whole
from fairkd.data.dataset import CERTIFY, SPLITS
from fairkd.errors import ConfigError, DataError

Rows = npt.NDArray[np.int64]


def split_rows(
    labels: npt.NDArray[np.int64],
    classes: Sequence[str],
    *,
    seed: int,
    validation_fraction: float,
    test_fraction: float | None,
    certify_fraction: float | None = None,
    official_test: npt.NDArray[np.bool_] | None = None,
) -> dict[str, Rows]:
    """Return each split's row positions, ascending.

    Args:
        labels: class indices, shape ``[N]``.
        classes: the classes' names, for the sentences.
        seed: decides the split alone; no global random state is read or changed.
        validation_fraction: of the rows that are not test rows.
        test_fraction: of all rows; None where the source has an official test part.
        certify_fraction: of the rows that are not test rows: those that certify bounds, which
            neither train nor select; None for none.
        official_test: true for the rows of the official test part, shape ``[N]``.

    Raises:
        ConfigError: a fraction or seed that cannot work.
        DataError: a class with too few rows for every split to have one.
    """
    whole("data.seed", seed, most=2**32 - 1)
    number("data.validation_fraction", validation_fraction, above=0, most=0.9)
    everything = np.arange(len(labels), dtype=np.int64)
    if official_test is not None:
        if test_fraction is not None:
            raise ConfigError(
                f"data.test_fraction={test_fraction} cannot be used beside the official test part "
                "of this data; leave it null, or set data.official_test=false to pool both parts."
            )
        rest, test = everything[~official_test], everything[official_test]
    else:
        fraction = number("data.test_fraction", test_fraction, above=0, most=0.9)
        rest, test = _stratified(everything, labels, classes, fraction, seed)
    if certify_fraction is None:
        train, validation = _stratified(rest, labels, classes, validation_fraction, seed)
        return dict(zip(SPLITS, (train, validation, test), strict=True))
    number("data.certify_fraction", certify_fraction, above=0, most=0.9)
    if validation_fraction + certify_fraction > 0.9:
        raise ConfigError(
            f"data.validation_fraction={validation_fraction} and data.certify_fraction="
            f"{certify_fraction} leave too few rows to train on; accepted: at most 0.9 together."
        )
    rest, certify = _stratified(rest, labels, classes, certify_fraction, seed)
    share = validation_fraction / (1 - certify_fraction)
    train, validation = _stratified(rest, labels, classes, share, seed)
    return {**dict(zip(SPLITS, (train, validation, test), strict=True)), CERTIFY: certify}


def _stratified(
    rows: Rows, labels: npt.NDArray[np.int64], classes: Sequence[str], fraction: float, seed: int
) -> tuple[Rows, Rows]:
    """The rows in two ascending parts, ``fraction`` of each class in the second."""
    counts = np.bincount(labels[rows], minlength=len(classes))
    rarest = int(counts.argmin())
    too_few = DataError(
        f"The class '{classes[rarest]}' has {counts[rarest]} of the {len(rows)} rows to be split, "
        "too few for every class to appear in every split; use more rows, or change "
        "data.validation_fraction or data.test_fraction."
    )
    if counts[rarest] < 2:
        raise too_few
    try:
        parts: list[Rows] = train_test_split(
            rows, test_size=fraction, stratify=labels[rows], random_state=seed
        )
    except ValueError as error:
        raise too_few from error
    first, second = (np.sort(part) for part in parts)
    for part in (first, second):
        if len(np.unique(labels[part])) < len(classes):
            raise too_few
    return first, second
