"""Probabilities of a finished student for raw rows, from the files that its job left."""

import importlib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from fairkd.data.dataset import PREPARATION
from fairkd.data.tabular import TabularPreparation
from fairkd.errors import DataError
from fairkd.models.inputs import input_of
from fairkd.models.int8 import Int8, check_int8_available
from fairkd.models.pruning import shaped_like
from fairkd.serving.description import Description

TRUSTED = "FAIRKD_TRUSTED"
"""Names, with commas between them, of classes of the user's own that may be imported."""

_OWN = "fairkd.models."
_ROWS_AT_ONCE = 16_384
_IMAGES_AT_ONCE = 256

Rows = pd.DataFrame | npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Student:
    """A student, or what compression made of it, with the preparation of its rows.

    Attributes:
        description: what it is and what it takes.
        model: in evaluation mode, on the CPU.
        preparation: of raw rows; ``None`` where rows are arrays.
    """

    description: Description
    model: nn.Module
    preparation: TabularPreparation | None

    @classmethod
    def load(cls, folder: Path | str, trusted: Collection[str] | None = None) -> "Student":
        """Read a student from a job's folder, or from the artifact ``student`` of its run.

        Nothing is unpickled. The model's class is imported if it is fairkd's own or trusted.

        Args:
            folder: with ``student.json``, the weights it names and, for tables, ``preparation``.
            trusted: dotted names of classes of the user's own; ``None`` takes those that the
                environment variable ``FAIRKD_TRUSTED`` names.

        Raises:
            DataError: a file is missing or damaged, or the class is another's.
            ConfigError: the model was quantised, and ONNX Runtime is not installed.
        """
        folder = Path(folder)
        description = Description.load(folder)
        preparation = TabularPreparation.load(folder / PREPARATION) if description.columns else None
        file = folder / f"{description.serves}.safetensors"
        try:
            state = load_file(file)
        except (OSError, SafetensorError) as error:
            raise DataError(
                f"The student's weights {file} cannot be read ({error}); give the folder of a "
                "finished job, or the artifact 'student' of its run."
            ) from error
        names = _from_environment() if trusted is None else trusted
        return cls(description, _model(description, state, names, file), preparation)

    def probabilities(self, rows: Rows) -> pd.DataFrame:
        """The probability of each class, shape ``[N, C]``, under the classes' names.

        Args:
            rows: raw rows with at least `Description.columns`, in any order; their index is kept.
                A value of a category that training rows did not have counts as none of those known.
                Without columns: an array, shape ``[N, ...]``; of a student of images from 0 to 1,
                or bytes from 0 to 255.

        Raises:
            DataError: a column is missing, a number is not one, or an array of another shape or
                range.
        """
        x = torch.from_numpy(self.prepared(rows))
        with torch.inference_mode():
            logits = torch.cat([self.model(part) for part in torch.split(x, _ROWS_AT_ONCE)])
        index = rows.index if isinstance(rows, pd.DataFrame) else None
        found = logits.double().softmax(-1).numpy()
        return pd.DataFrame(found, columns=list(self.description.classes), index=index)

    def of_files(self, files: Sequence[Path | str]) -> pd.DataFrame:
        """The `probabilities` of image files, under their paths.

        Raises:
            DataError: a file that is missing or broken, or a student of other rows.
        """
        form = self.description.images
        if form is None:
            raise DataError(
                "This student takes no image files: its rows are "
                + ("columns of a table." if self.description.columns else "arrays.")
            )
        if not files:
            raise DataError("No image files are given; name at least one.")
        parts = []
        for first in range(0, len(files), _IMAGES_AT_ONCE):
            some = [form.read(Path(file)) for file in files[first : first + _IMAGES_AT_ONCE]]
            parts.append(self.probabilities(np.stack(some)))
        return pd.concat(parts).set_axis([str(file) for file in files])

    def decisions(self, rows: Rows) -> "pd.Series[str]":
        """The decided class of each row; arguments and errors as of `probabilities`.

        With two classes the positive one from the threshold on, with more the most likely one.
        """
        return self.decided(self.probabilities(rows))

    def decided(self, probabilities: pd.DataFrame) -> "pd.Series[str]":
        """The decided class of each row, as `decisions` gives it, of what `probabilities` gave."""
        found, threshold = probabilities.to_numpy(), self.description.threshold
        if threshold is None:
            places = found.argmax(-1)
        else:
            places = (found[:, 1] >= threshold).astype(np.int64)
        classes = np.array(self.description.classes, dtype=object)
        return pd.Series(classes[places], probabilities.index)

    def prepared(self, rows: Rows) -> npt.NDArray[np.float32]:
        """What the network takes, shape ``[N, ...]``; otherwise as `probabilities`."""
        if self.preparation is not None:
            if not isinstance(rows, pd.DataFrame):
                raise DataError(
                    f"Rows are {type(rows).__name__}; accepted: a DataFrame with the columns "
                    f"{', '.join(self.preparation.columns)}."
                )
            return self.preparation.transform(rows)
        shape = self.description.shape
        array = np.asarray(rows)
        if array.shape[1:] != shape or array.dtype.kind not in "fiub":
            raise DataError(
                f"Rows have the shape {list(array.shape)} and hold {array.dtype}; accepted: "
                f"numbers of the shape [rows, {', '.join(map(str, shape))}]."
            )
        if self.description.images is None:
            return array.astype(np.float32)
        if array.dtype == np.uint8:
            return array.astype(np.float32) / np.float32(255)
        if array.size and not (array.min() >= 0 and array.max() <= 1):
            raise DataError(
                f"Rows hold values from {array.min():g} to {array.max():g}; accepted: from 0 to 1, "
                "or bytes (uint8) from 0 to 255."
            )
        return array.astype(np.float32)


def _from_environment() -> list[str]:
    return [name.strip() for name in os.environ.get(TRUSTED, "").split(",") if name.strip()]


def _model(
    description: Description, state: Mapping[str, Tensor], trusted: Collection[str], file: Path
) -> nn.Module:
    try:
        if description.int8:
            check_int8_available()
            small = Int8()
            small.load_state_dict(state)
            return small.eval()
        # What a new model draws at first is replaced by its weights.
        with torch.random.fork_rng(devices=[]):
            given = {"n_classes": len(description.classes)}
            model = _built(description.model, trusted, description.shape, **given)
        return shaped_like(model, state).eval()
    except (RuntimeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"The weights {file} do not fit the student's description "
            f"({type(error).__name__}: {str(error).partition(chr(10))[0]}); give both as one job "
            "left them."
        ) from error


def _built(
    section: Mapping[str, Any], trusted: Collection[str], shape: tuple[int, ...], **given: Any
) -> nn.Module:
    """The untrained model of a configuration's section."""
    maker = _class(str(section["_target_"]), trusted)
    arguments = {name: value for name, value in section.items() if not name.startswith("_")}
    model = maker(**{**arguments, **input_of(maker, shape), **given})
    if not isinstance(model, nn.Module):
        raise TypeError(f"{section['_target_']} makes no torch.nn.Module")
    return model


def _class(target: str, trusted: Collection[str]) -> Any:
    if not target.startswith(_OWN) and target not in trusted:
        raise DataError(
            f"The student is a {target}, which is not fairkd's own, and is imported only if you "
            f"say so: Student.load(folder, trusted=['{target}']), or {TRUSTED}={target} in the "
            "environment of what serves it."
        )
    module, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
        if target in trusted or _is_own_model(found):
            return found
        raise AttributeError(f"module '{module}' defines no model '{name}'")
    except (ImportError, AttributeError) as error:
        raise DataError(
            f"The student's class {target} cannot be imported ({error}); install the package that "
            "it was trained with, or put its folder on PYTHONPATH."
        ) from error


def _is_own_model(found: object) -> bool:
    """Whether it is a model of fairkd's, and not something that one of its modules imported."""
    return (
        isinstance(found, type)
        and issubclass(found, nn.Module)
        and found.__module__.startswith(_OWN)
    )
