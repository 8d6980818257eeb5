"""New rows scored some at a time, and what was odd about them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from fairkd.data.dates import as_days
from fairkd.data.fitted_parts import FittedParts
from fairkd.data.image_list import ImageList
from fairkd.data.values import MISSING, as_categories, require_columns
from fairkd.errors import DataError
from fairkd.serving.student import Rows, Student

DECISION = "decision"
"""The column with the decided class."""

_TRUTH = {word: str(word.lower() == "true") for word in ("true", "TRUE", "false", "FALSE")}


def scored(student: Student, rows: Rows) -> pd.DataFrame:
    """Each class's probability under its name, and the `DECISION`.

    Args:
        student: of the scores.
        rows: as it takes them.

    Raises:
        DataError: as of `Student.probabilities`.
    """
    probabilities = student.probabilities(rows)
    return probabilities.assign(**{DECISION: student.decided(probabilities)})


def scored_images(student: Student, images: ImageList, keep: Sequence[str]) -> pd.DataFrame:
    """The paths, the columns to keep, each class's probability and the `DECISION`.

    Args:
        student: one that takes images.
        images: at least one.
        keep: columns of the images' frame.

    Raises:
        DataError: an image that cannot be decoded, or a student of other rows.
    """
    found = student.of_files(images.files)
    scores = found.assign(**{DECISION: student.decided(found)}).reset_index(drop=True)
    return pd.concat([images.frame[[images.file, *keep]], scores], axis=1)


@dataclass
class Scoring:
    """A student's scores of a table that comes in parts.

    Attributes:
        student: one that takes raw columns.
        keep: columns that stand beside the scores.
        refuse_unknown: whether a category that training rows did not have is refused.
        rows: how many were scored so far.
        missing: by column, how many values were missing so far.
        unknown: by column, the categories that training rows did not have, with their numbers.
    """

    student: Student
    keep: Sequence[str] = ()
    refuse_unknown: bool = False
    rows: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    unknown: dict[str, Counter[str]] = field(default_factory=dict)

    def score(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The columns to keep, each class's probability under its name, and the `DECISION`.

        Args:
            frame: raw rows with at least the student's columns and those to keep.

        Raises:
            DataError: a column is missing, a value is not one, or an unknown category is refused.
        """
        needed = [column.name for column in self.student.description.columns]
        require_columns(frame, needed)
        rows = self._converted(frame[needed])
        self._note(rows)
        return pd.concat([frame[list(self.keep)], scored(self.student, rows)], axis=1)

    def _converted(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Dates as days since 1970, and truth values in text as they are spelled elsewhere."""
        changed: dict[str, pd.Series[Any]] = {}
        for name, kind in self.student.description.columns:
            if kind == "date":
                known = rows[name].notna().any()
                changed[name] = as_days(rows[name]) if known else rows[name].astype(float)
            truth = {*self._known.get(name, ()), MISSING} == {"False", "True", MISSING}
            if truth and rows[name].dtype in ("str", object):
                changed[name] = rows[name].replace(_TRUTH)
        return rows.assign(**changed)

    @cached_property
    def _known(self) -> dict[str, tuple[str, ...]]:
        """By column, the categories that training rows had."""
        preparation = self.student.preparation
        if preparation is None:
            return {}
        values = FittedParts.of(preparation).categories
        return dict(zip(preparation.categorical, values, strict=True))

    def _note(self, rows: pd.DataFrame) -> None:
        self.missing.update({str(name): int(rows[name].isna().sum()) for name in rows})
        for name, values in self._known.items():
            found = Counter(as_categories(rows[name]))
            others = {value: found[value] for value in found if value not in {*values, MISSING}}
            if others and self.refuse_unknown:
                raise DataError(
                    f"The column '{name}' holds '{next(iter(others))}', which no training row had; "
                    f"known: {', '.join(values)}. Correct it, or leave unknown=refuse out: then it "
                    "counts as none of them."
                )
            self.unknown.setdefault(name, Counter()).update(others)
        self.rows += len(rows)
