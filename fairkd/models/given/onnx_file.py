"""A model in ONNX's format, as ONNX Runtime answers for it."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from fairkd.data.batch import Batch
from fairkd.data.dataset import SPLITS, Dataset
from fairkd.errors import ConfigError, first_line, unknown_name
from fairkd.models.answers import Answers
from fairkd.models.given.class_order import class_order
from fairkd.models.given.outputs import Values, check_rows, logits_of, sums_to_one
from fairkd.models.onnx_session import check_installed, session_of

log = logging.getLogger(__name__)

_NEEDED = {"onnx": "onnx", "onnxruntime": "onnxruntime"}
_FLOATS = {"tensor(float)": np.float32, "tensor(double)": np.float64}
_MAPS = ("seq(map(string,tensor(float)))", "seq(map(int64,tensor(float)))")
_WORDS = {"logit": "logits", "prob": "probabilities", "softmax": "probabilities"}
_FEW_ROWS = 2
_MANY_ROWS = 1024


@dataclass(frozen=True)
class OnnxFile:
    """A graph from prepared rows to logits or probabilities, asked once for every row.

    It has one input of floats, of the shape of prepared rows behind a first dimension of rows; that
    may be any number, or a fixed one. Outputs are in the order of the data's classes, or name them.

    Attributes:
        path: the file; weights that lie beside it are in files whose names begin with its name.
        output: which output is meant; ``None`` takes the one that is called logits or
            probabilities, or the only one that can be either.
        holds: ``probabilities`` or ``logits``; ``None`` goes by the output's name, or else by
            whether every row sums to 1.
    """

    path: str
    output: str | None = None
    holds: str | None = None
    named_by = "path"

    @property
    def source(self) -> str:
        """The file."""
        return self.path

    def check(self, model: nn.Module, dataset: Dataset) -> None:  # noqa: ARG002
        """Run it on a few rows.

        Raises:
            ConfigError: see `fill`.
        """
        self._logits({"train": self._values(self._session(), dataset, "train", _FEW_ROWS)}, dataset)

    def fill(self, model: nn.Module, dataset: Dataset) -> None:
        """Tell the model the graph's answers.

        Raises:
            ConfigError: a library is missing, the file is no graph, or its input or outputs do not
                fit.
        """
        assert isinstance(model, Answers)
        session = self._session()
        values = {split: self._values(session, dataset, split, None) for split in SPLITS}
        holds = self._holds(values)
        if self.holds is None:
            log.info("%s: its outputs are taken for %s.", self.path, holds)
        model.tell(self._logits(values, dataset))

    def _session(self) -> Any:
        check_installed(_NEEDED, f"The teacher {self.path}", "choose another")
        file = Path(self.path).expanduser()
        try:
            _check_beside(file)
            return session_of(str(file))
        except ConfigError:
            raise
        except Exception as error:  # the libraries' own kinds, for files that are no graph
            problem = first_line(error)
            raise ConfigError(
                f"{self.path} cannot be read as an ONNX model ({problem}); give another file."
            ) from error

    def _values(self, session: Any, dataset: Dataset, split: str, rows: int | None) -> "_Found":
        chosen = dataset.splits[split]
        chosen = chosen if rows is None else chosen.rows(slice(rows))
        name, kind, fixed = self._input(session, dataset)
        output = self._output(session)
        parts = []
        for part, count in _chunks(chosen, fixed):
            try:
                (found,) = session.run([output], {name: part.numpy().astype(kind)})
            except Exception as error:  # ONNX Runtime's own kinds
                problem = first_line(error)
                raise ConfigError(
                    f"{self.path} cannot be run on rows of data={dataset.name} ({problem}); give "
                    "a model of such rows."
                ) from error
            values = _as_array(found, dataset, self.path)
            check_rows(len(values), len(part), self.path)
            parts.append(values[:count])
        return _Found(output, np.concatenate(parts))

    def _input(self, session: Any, dataset: Dataset) -> tuple[str, Any, int | None]:
        """Its name, its type, and the number of rows that it takes, if that is fixed."""
        inputs = session.get_inputs()
        accepted = f"one input of floats, of shape [rows, {', '.join(map(str, dataset.shape))}]"
        if len(inputs) != 1 or inputs[0].type not in _FLOATS:
            given = ", ".join(f"{found.name} {found.type}" for found in inputs)
            raise ConfigError(
                f"{self.path} takes {given}; accepted: {accepted}, the prepared rows."
            )
        (only,) = inputs
        widths = tuple(only.shape[1:])
        fits = len(widths) == len(dataset.shape) and all(
            not isinstance(width, int) or width == ours
            for width, ours in zip(widths, dataset.shape, strict=True)
        )
        if not fits:
            raise ConfigError(
                f"{self.path} takes rows of shape {list(widths)}; accepted: {accepted}, the "
                f"prepared rows of data={dataset.name}."
            )
        first = only.shape[0]
        return only.name, _FLOATS[only.type], first if isinstance(first, int) else None

    def _output(self, session: Any) -> str:
        outputs: dict[str, str] = {found.name: found.type for found in session.get_outputs()}
        if self.output is not None:
            if self.output not in outputs:
                raise ConfigError(unknown_name(f"output of {self.path}", self.output, outputs))
            return self.output
        usable = [name for name, kind in outputs.items() if kind in (*_FLOATS, *_MAPS)]
        called = [name for word in _WORDS for name in usable if word in name.lower()]
        if called or len(usable) == 1:
            return (called or usable)[0]
        listed = ", ".join(f"{name} {kind}" for name, kind in outputs.items())
        raise ConfigError(
            f"{self.path} has the outputs {listed}, and it cannot be told which are the classes' "
            "logits or probabilities; name one by output=NAME."
        )

    def _holds(self, found: "Mapping[str, _Found]") -> str:
        if self.holds is not None:
            return self.holds
        name = next(iter(found.values())).output.lower()
        for word, holds in _WORDS.items():
            if word in name:
                return holds
        values = np.concatenate([each.values for each in found.values()])
        single = values.ndim == 2 and values.shape[1] == 1
        shares = np.column_stack([1 - values, values]) if single else values
        return "probabilities" if bool(sums_to_one(shares).all()) else "logits"

    def _logits(self, found: "Mapping[str, _Found]", dataset: Dataset) -> dict[str, Tensor]:
        holds, n_classes = self._holds(found), len(dataset.classes)
        where = f"{self.path} (output {next(iter(found.values())).output})"
        return {
            split: logits_of(each.values, holds, n_classes, where) for split, each in found.items()
        }


@dataclass(frozen=True)
class _Found:
    """An output's name and its values, shape ``[N, C]``."""

    output: str
    values: Values


def _chunks(rows: Batch, fixed: int | None) -> Iterator[tuple[Tensor, int]]:
    """Rows as the graph takes them, the last filled up with its last row, and how many count."""
    size = fixed or _MANY_ROWS
    for start in range(0, rows.size, size):
        part = rows.rows(slice(start, start + size)).floats
        lacking = (fixed or 0) - len(part)
        full = (
            torch.cat([part, part[-1:].expand(lacking, *part.shape[1:])]) if lacking > 0 else part
        )
        yield full, len(part)


def _as_array(found: Any, dataset: Dataset, path: str) -> Values:
    if isinstance(found, list):  # a mapping from class to probability for each row
        frame = pd.DataFrame(found)
        found = frame.to_numpy()[:, class_order(list(frame.columns), dataset.classes, path)]
    values: Values = np.asarray(found, dtype=np.float64)
    return values[:, None] if values.ndim == 1 else values


def _check_beside(file: Path) -> None:
    """Refuse weights in files that a change of the teacher would not be seen by.

    Raises:
        ConfigError: they lie elsewhere than beside the graph, under its name.
    """
    import onnx

    graph = onnx.load(str(file), load_external_data=False).graph
    for tensor in graph.initializer:
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        place = next(entry.value for entry in tensor.external_data if entry.key == "location")
        if not place.startswith(file.name) or "/" in place:
            raise ConfigError(
                f"{file} keeps weights in {place}; accepted: in itself, or beside it in a file "
                f"whose name begins with {file.name}."
            )
