"""Labels that are probabilities, out of one column a class or one for the positive of two."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairkd.checks import as_typed
from fairkd.data.values import as_read_numbers
from fairkd.errors import ConfigError, DataError

_SUM_WITHIN = 1e-3


def check_soft_columns(columns: Sequence[str], classes: Sequence[str]) -> None:
    """Refuse another number of columns than there are classes (or one, for two classes).

    Raises:
        ConfigError: naming the classes.
    """
    if len(columns) == len(classes) or (len(columns), len(classes)) == (1, 2):
        return
    one = ", or one for the positive class" if len(classes) == 2 else ""
    raise ConfigError(
        f"data.soft_labels names {len(columns)} columns for {len(classes)} classes "
        f"({', '.join(classes)}); name one a class, in this order{one}."
    )


def check_agreement(
    shares: npt.NDArray[np.float64],
    labels: npt.NDArray[np.int64],
    columns: Sequence[str],
    classes: Sequence[str],
) -> None:
    """Refuse probabilities that speak against the labels, as those of swapped columns do.

    They do where a row's own class gets less than classes drawn at their rates would, by three
    standard errors.

    Args:
        shares: class probabilities, shape ``[N, C]``.
        labels: class indices, shape ``[N]``.
        columns: where the probabilities come from.
        classes: the classes' names.

    Raises:
        DataError: naming the order that is expected.
    """
    rates = np.bincount(labels, minlength=shares.shape[1]) / len(labels)
    above_chance = shares[np.arange(len(labels)), labels] - shares @ rates
    if above_chance.mean() < -3 * above_chance.std() / np.sqrt(len(labels)):
        agree = (shares.argmax(axis=1) == labels).mean()
        expected = (
            f"name the columns in the order {', '.join(classes)}"
            if len(columns) > 1
            else f"the one column is about '{classes[-1]}', the positive class: see data.positive"
        )
        raise DataError(
            f"data.soft_labels={as_typed(list(columns))} speaks against the label column: the "
            f"likeliest class is the label's in {agree:.1%} of the rows; {expected}."
        )


def soft_labels(frame: pd.DataFrame, columns: Sequence[str]) -> npt.NDArray[np.float64]:
    """Each row's class probabilities, shape ``[N, C]``, whose rows sum to 1.

    Args:
        frame: raw rows.
        columns: one a class, or one for the positive of two; see `check_soft_columns`.

    Raises:
        DataError: a value that is missing or no probability, or a row that does not sum to 1
            within 0.001.
    """
    given = np.stack([as_read_numbers(frame[name]) for name in columns], axis=1)
    for place, name in enumerate(columns):
        values = given[:, place]
        wrong = ~((values >= 0) & (values <= 1))
        if wrong.any():
            value = frame[name][wrong].iloc[0]
            holds = "an empty cell" if pd.isna(value) else f"'{value}'"
            raise DataError(
                f"The column '{name}' named in data.soft_labels holds {holds} in row "
                f"{int(wrong.argmax()) + 1}; accepted: probabilities from 0 to 1."
            )
    if len(columns) == 1:
        return np.concatenate([1 - given, given], axis=1)
    sums = given.sum(axis=1)
    off = np.abs(sums - 1) > _SUM_WITHIN
    if off.any():
        row = int(off.argmax())
        raise DataError(
            f"The columns of data.soft_labels ({', '.join(columns)}) sum to {sums[row]:g} in row "
            f"{row + 1}; accepted: probabilities that sum to 1 within {_SUM_WITHIN:g}."
        )
    shares: npt.NDArray[np.float64] = given / sums[:, None]
    return shares
