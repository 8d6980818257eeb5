"""From what somebody else's model put out to logits."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fairkd.errors import ConfigError
from fairkd.models.probabilities import LEAST

HOLDS = ("probabilities", "logits")
_TOLERANCE = 1e-3
"""By how much the probabilities of a row may miss a sum of 1."""

Values = npt.NDArray[np.float64]


def logits_of(values: Values, holds: str, n_classes: int, where: str) -> Tensor:
    """Logits of outputs, shape ``[N, C]``, float32.

    Args:
        values: shape ``[N, C]``, or ``[N, 1]`` for the positive one of two classes.
        holds: ``probabilities``, which become their logarithms, those below one in a million as
            one in a million, or ``logits``. A single logit is that of the positive class against 0.
        n_classes: C.
        where: what held them, to begin a sentence with.

    Raises:
        ConfigError: another number of columns, a value that is no finite number, or probabilities
            that are none.
    """
    single = values.ndim == 2 and values.shape[1] == 1 and n_classes == 2
    if values.ndim != 2 or (values.shape[1] != n_classes and not single):
        columns = f"{values.shape[1]} columns" if values.ndim == 2 else f"shape {values.shape}"
        alone = ", or one for the positive class" if n_classes == 2 else ""
        raise ConfigError(
            f"{where} has {columns}; accepted: {n_classes}, one for each class{alone}."
        )
    _refuse(~np.isfinite(values).all(axis=1), values, where, "no finite number")
    if holds == "logits":
        return _tensor(np.column_stack([np.zeros(len(values)), values]) if single else values)
    outside = ((values < -_TOLERANCE) | (values > 1 + _TOLERANCE)).any(axis=1)
    _refuse(outside, values, where, "a value outside of 0 to 1", " Logits: set holds=logits.")
    if single:
        values = np.column_stack([1 - values, values])
    _refuse(~sums_to_one(values), values, where, "probabilities that do not sum to 1")
    shares = values.clip(min=0)
    return _tensor(np.log((shares / shares.sum(axis=1, keepdims=True)).clip(min=LEAST)))


def check_rows(found: int, asked: int, where: str) -> None:
    """Refuse a model that does not answer row by row.

    Raises:
        ConfigError: it gave another number of answers than rows it was asked about.
    """
    if found != asked:
        raise ConfigError(
            f"{where} gives {found:,} rows of outputs for {asked:,} rows; accepted: a model that "
            "gives one for each."
        )


def sums_to_one(values: Values) -> npt.NDArray[np.bool_]:
    """Whether each row, of shape ``[N, C]``, holds shares of 1, within a thousandth."""
    found: npt.NDArray[np.bool_] = (values >= -_TOLERANCE).all(axis=1) & (
        np.abs(values.sum(axis=1) - 1) <= _TOLERANCE
    )
    return found


def _refuse(rows: npt.ArrayLike, values: Values, where: str, what: str, hint: str = "") -> None:
    wrong = np.asarray(rows)
    if not wrong.any():
        return
    first = int(wrong.argmax())
    row = ", ".join(f"{value:g}" for value in values[first, :8])
    raise ConfigError(
        f"{where} has {what} in {int(wrong.sum()):,} of {len(values):,} rows, the first of them "
        f"row {first + 1} ({row}); every row needs its outputs.{hint}"
    )


def _tensor(values: Values) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
