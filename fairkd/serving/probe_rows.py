"""Raw rows that try everything a student's preparation knows: what an export is checked on."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairkd.data.fitted_parts import FittedParts
from fairkd.data.tabular import TabularPreparation
from fairkd.serving.student import Rows, Student

UNKNOWN = "a value that no training row had"
MADE = 256
"""How many rows are made."""

_MISSING = 0.1
_SPREAD = 2.0  # standard deviations


def probe_rows(student: Student, *, typed: bool = False) -> Rows:
    """Rows made from what the student's preparation learned, the same at every call.

    Numbers lie around the training mean; categories are those known, in turn. Some numbers are
    missing, and some categories are missing or unknown.

    Args:
        student: whose rows; of a student of arrays they are uniform between 0 and 1.
        typed: whether a column of whole numbers or of truth values is given in full, in that type.
    """
    random = np.random.default_rng(0)
    if student.preparation is None:
        return random.random((MADE, *student.description.shape), dtype=np.float32)
    parts = FittedParts.of(student.preparation)
    kinds = dict(student.description.columns) if typed else {}
    columns = _numbers(student.preparation, parts, kinds, random)
    columns |= _categories(student.preparation, parts, kinds, random)
    return pd.DataFrame(columns)


def _numbers(
    preparation: TabularPreparation,
    parts: FittedParts,
    kinds: dict[str, str],
    random: np.random.Generator,
) -> dict[str, npt.NDArray[Any]]:
    found: dict[str, npt.NDArray[Any]] = {}
    for place, name in enumerate(preparation.numeric):
        values = parts.means[place] + parts.scales[place] * _SPREAD * random.standard_normal(MADE)
        if kinds.get(name) == "integer":
            found[name] = np.rint(values).astype(np.int64)
        else:
            found[name] = np.where(random.random(MADE) < _MISSING, np.nan, values)
    return found


def _categories(
    preparation: TabularPreparation,
    parts: FittedParts,
    kinds: dict[str, str],
    random: np.random.Generator,
) -> dict[str, npt.NDArray[Any]]:
    found: dict[str, npt.NDArray[Any]] = {}
    for name, known in zip(preparation.categorical, parts.categories, strict=True):
        if kinds.get(name) == "boolean":
            found[name] = random.random(MADE) < 1 / 2
            continue
        values = np.array([*known, UNKNOWN, None], dtype=object)
        found[name] = values[random.permutation(MADE) % len(values)]
    return found
