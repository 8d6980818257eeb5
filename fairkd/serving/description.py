"""What a student's weights do not say: its architecture, its classes and the rows that it takes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pandas.api.types import is_bool_dtype, is_float_dtype, is_integer_dtype
from torch import Tensor

from fairkd.data.dataset import Dataset
from fairkd.data.image_form import ImageForm
from fairkd.data.kinds import DATE
from fairkd.errors import DataError
from fairkd.models.int8 import INT8_STATE

DESCRIPTION = "student.json"
FORMAT = 1
STUDENT = "student"
TYPES = ("integer", "number", "boolean", "text", "date")
"""What a raw column holds; values of ``number``, ``text`` and ``date`` may be missing. A date is a
number: days since 1970."""


class Column(NamedTuple):
    """A raw column that a student needs.

    Attributes:
        name: as in the raw rows.
        type: one of `TYPES`.
    """

    name: str
    type: str


@dataclass(frozen=True)
class Description:
    """A student in plain values.

    Attributes:
        model: the class under ``_target_``, and the arguments that the job gave it.
        shape: of one prepared row.
        classes: the label's values; with two the second is the positive one.
        threshold: the least probability of the positive class that is decided positive; ``None``
            with more classes, of which the most likely is decided.
        columns: the raw columns; none where rows are arrays of that shape.
        serves: whose weights these are: ``student``, or the name of what compression made of it.
        int8: whether those are a quantised model, which ONNX Runtime runs.
        images: the form that image files are brought into; ``None`` where rows are no such images.
    """

    model: Mapping[str, Any]
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    threshold: float | None
    columns: tuple[Column, ...]
    serves: str = STUDENT
    int8: bool = False
    images: ImageForm | None = None

    @classmethod
    def of(
        cls,
        model: Mapping[str, Any],
        dataset: Dataset,
        threshold: float,
        weights: Mapping[str, Mapping[str, Tensor]],
    ) -> "Description":
        """The description of a job's student, or of what compression made of it.

        Args:
            model: the configuration's section of the student, as plain values.
            dataset: what it was trained on.
            threshold: of decisions between two classes.
            weights: of the student and of each step of compression, by name and in order.
        """
        serves = served(weights)
        return cls(
            model=model,
            shape=dataset.shape,
            classes=dataset.classes,
            threshold=threshold if len(dataset.classes) == 2 else None,
            columns=_columns(dataset),
            serves=serves,
            int8=weights[serves].keys() == INT8_STATE,
            images=dataset.images,
        )

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values for standard JSON."""
        return {"format": FORMAT, **asdict(self), "columns": [list(one) for one in self.columns]}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Description":
        """What `to_json` gave.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: it is something else.
        """
        if plain["format"] != FORMAT:
            raise ValueError(f"format {plain['format']}, not {FORMAT}")
        threshold = plain["threshold"]
        serves = str(plain["serves"])
        if Path(serves).name != serves or "\\" in serves or not serves.strip("."):
            raise ValueError(f"'serves' is {serves!r}, which is not the name of a model")
        return cls(
            model=dict(plain["model"]),
            shape=tuple(int(width) for width in plain["shape"]),
            classes=tuple(str(name) for name in plain["classes"]),
            threshold=None if threshold is None else float(threshold),
            columns=tuple(Column(str(name), str(kind)) for name, kind in plain["columns"]),
            serves=serves,
            int8=bool(plain["int8"]),
            images=None if (images := plain.get("images")) is None else ImageForm.from_json(images),
        )

    def save(self, folder: Path) -> None:
        """Write `DESCRIPTION` into a folder."""
        text = json.dumps(self.to_json(), indent=2, default=str)
        (folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Description":
        """Read what `save` wrote.

        Raises:
            DataError: it is not there, or damaged.
        """
        try:
            return cls.from_json(json.loads((folder / DESCRIPTION).read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"The student's description {folder / DESCRIPTION} cannot be read "
                f"({type(error).__name__}: {error}); give the folder of a finished job, or the "
                "artifact 'student' of its run."
            ) from error


def served(weights: Mapping[str, Mapping[str, Tensor]]) -> str:
    """The last of a job's models that can be made again from its weights alone.

    That is the student, what pruning left of it (the same layers, perhaps narrower), or what
    quantising made of it. What a step of the user's own makes is known to that step alone.
    """
    layers = weights[STUDENT].keys()
    known = [name for name, state in weights.items() if state.keys() in (layers, INT8_STATE)]
    return known[-1]


def _columns(dataset: Dataset) -> tuple[Column, ...]:
    if dataset.preparation is None:
        return ()
    raw = dataset.raw.some("train", slice(1))
    dates = {column.name for column in dataset.columns if column.kind == DATE}
    kinds = ((name, _type(raw[name].dtype)) for name in dataset.preparation.columns)
    return tuple(Column(name, "date" if name in dates else kind) for name, kind in kinds)


def _type(dtype: Any) -> str:
    tests: Sequence[tuple[Any, str]] = (
        (is_bool_dtype, "boolean"),
        (is_integer_dtype, "integer"),
        (is_float_dtype, "number"),
    )
    return next((name for holds, name in tests if holds(dtype)), "text")
