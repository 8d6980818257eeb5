"""A fitted classifier of scikit-learn, from a file."""

import logging
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from fairkd.data.dataset import SPLITS, Dataset
from fairkd.data.values import as_text
from fairkd.errors import ConfigError, first_line
from fairkd.models.answers import Answers
from fairkd.models.given.class_order import class_order
from fairkd.models.given.outputs import Values, check_rows, logits_of
from fairkd.models.given.trust import SKOPS, check_trusted
from fairkd.models.skops_file import read_estimator

log = logging.getLogger(__name__)

_FEW_ROWS = 2
_FEW_NAMES = 6
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)


@dataclass(frozen=True)
class EstimatorFile:
    """A classifier, or a pipeline that ends in one, asked for the rows' probabilities once.

    One that was fitted on named columns gets those columns of the raw rows; any other the prepared
    features. Its classes are matched by name, or are the classes' places 0, 1, ...

    Attributes:
        path: ``.skops``, whose types must be scikit-learn's; or a pickle (``.pkl``, ``.pickle``,
            ``.joblib``), reading which runs whatever code is in it.
        allow_pickle: whether a pickle may be read.
    """

    path: str
    allow_pickle: bool = False
    named_by = "path"

    @property
    def source(self) -> str:
        """The file."""
        return self.path

    def check(self, model: nn.Module, dataset: Dataset) -> None:  # noqa: ARG002
        """Ask for the probabilities of a few rows.

        Raises:
            ConfigError: see `fill`.
        """
        estimator = self._read()
        self._answers(estimator, dataset, "train", slice(_FEW_ROWS))

    def fill(self, model: nn.Module, dataset: Dataset) -> None:
        """Tell the model the logarithms of the classifier's probabilities.

        Raises:
            ConfigError: the file cannot be read, is no fitted classifier with probabilities, or
                does not fit the rows or the classes.
        """
        assert isinstance(model, Answers)
        estimator = self._read()
        order = class_order(estimator.classes_, dataset.classes, self.path)
        if set(as_text(pd.Series(list(estimator.classes_)))) != set(dataset.classes):
            pairs = zip(order, dataset.classes, strict=True)
            taken = ", ".join(f"{estimator.classes_[place]} for {name}" for place, name in pairs)
            log.info("%s: its classes are taken for the data's: %s.", self.path, taken)
        model.tell(
            {split: self._answers(estimator, dataset, split, slice(None)) for split in SPLITS}
        )

    def _read(self) -> Any:
        file = Path(self.path).expanduser()
        try:
            status = file.stat()
        except OSError as error:
            raise ConfigError(
                f"{self.path} cannot be read ({error.strerror or error}); give another file."
            ) from error
        estimator = _read(str(file), self.allow_pickle, status.st_size, status.st_mtime_ns)
        if not hasattr(estimator, "predict_proba"):
            raise ConfigError(
                f"{self.path} holds a {type(estimator).__name__}, which has no predict_proba; "
                "accepted: a fitted scikit-learn classifier that gives probabilities, or a "
                "pipeline that ends in one."
            )
        if getattr(estimator, "classes_", None) is None:
            raise ConfigError(
                f"{self.path} holds a {type(estimator).__name__} that is not fitted; fit it and "
                "save it again."
            )
        return estimator

    def _answers(self, estimator: Any, dataset: Dataset, split: str, chosen: slice) -> torch.Tensor:
        rows = self._rows(estimator, dataset, split, chosen)
        order = class_order(estimator.classes_, dataset.classes, self.path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found: Values = np.asarray(estimator.predict_proba(rows), dtype=np.float64)
        except Exception as error:  # whatever the estimator's own steps meet
            problem = first_line(error)
            raise ConfigError(
                f"{self.path} cannot give probabilities for rows of data={dataset.name} "
                f"({type(estimator).__name__}: {problem}); give a classifier that was fitted on "
                "such rows."
            ) from error
        check_rows(len(found), len(rows), self.path)
        return logits_of(found[:, order], "probabilities", len(dataset.classes), self.path)

    def _rows(self, estimator: Any, dataset: Dataset, split: str, chosen: slice) -> Any:
        named = [str(name) for name in getattr(estimator, "feature_names_in_", ())]
        prepared = dataset.splits[split].rows(chosen).floats.flatten(1).numpy()
        if not named:
            width = getattr(estimator, "n_features_in_", dataset.n_features)
            if width != dataset.n_features:
                raise ConfigError(
                    f"{self.path} was fitted on {width} columns without names, and prepared rows "
                    f"of data={dataset.name} have {dataset.n_features}; give one that was fitted "
                    "on them, or a pipeline that was fitted on a table with named columns."
                )
            return prepared
        frame = dataset.raw.some(split, chosen) if dataset.raw else pd.DataFrame()
        absent = [name for name in named if name not in frame]
        made = dataset.preparation.feature_names if dataset.preparation is not None else ()
        if absent and tuple(named) == made:
            return pd.DataFrame(prepared, columns=named)
        if absent:
            raise ConfigError(
                f"{self.path} was fitted on columns that data={dataset.name} does not have: "
                f"{_listed(absent)}; it has {_listed(list(map(str, frame))) or 'none by name'}."
            )
        return frame[named]


@lru_cache(maxsize=2)
def _read(path: str, allow_pickle: bool, size: int, changed: int) -> Any:  # noqa: ARG001
    """What is in the file; once for all jobs of a process, as long as it does not change."""
    check_trusted(path, allow_pickle)
    if Path(path).suffix.lower() == SKOPS:
        return _of_skops(path)
    log.warning(
        "%s is a pickle: reading it runs whatever code is in it, with your rights, as "
        "allow_pickle=true asks for. Read no pickle from people whom you would not let use this "
        "account.",
        path,
    )
    import joblib  # scikit-learn's own, reads plain pickles too

    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            found = joblib.load(path)
    except Exception as error:  # a pickle may raise anything
        raise _unreadable(path, error) from error
    for said in told:
        log.warning("%s: %s", path, str(said.message).strip().partition("\n")[0])
    return found


def _of_skops(path: str) -> Any:
    try:
        content = Path(path).read_bytes()
        return read_estimator(content, path, "save a classifier of scikit-learn alone")
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: BaseException) -> ConfigError:
    problem = first_line(error)
    return ConfigError(
        f"{path} cannot be read ({problem}); give a classifier as skops, joblib or pickle wrote it."
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _FEW_NAMES
    return ", ".join(names[:_FEW_NAMES]) + (f" and {more} more" if more > 0 else "")
