"""One open MLflow run: everything is written through the client, in few and bounded calls."""

import hashlib
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

from fairkd.tracking.mlflow_database import reaching
from fairkd.tracking.slug import accepted

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient
    from pandas import DataFrame

_T = TypeVar("_T")

PARAM_MOST = 6000
TAG_MOST = 8000
_PARAMS_A_CALL = 100
_METRICS_A_CALL = 1000


class TrackedRun:
    """A run of `MlflowTracking`, while it is open.

    Names that MLflow would refuse are slugged. NaN is stored as NaN. MLflow would turn an infinity
    into the largest float, a number nobody measured; it is stored as NaN instead. A parameter or
    tag beyond MLflow's limit is cut and ends in its length and a hash of the whole.

    Args:
        client: where the run lives.
        uri: the tracking URI, for sentences.
        run_id: the run's id.
    """

    def __init__(self, client: "MlflowClient", uri: str, run_id: str) -> None:
        self._client = client
        self._uri = uri
        self._run_id = run_id

    @property
    def run_id(self) -> str:
        """The run's id in MLflow."""
        return self._run_id

    def log_params(self, params: Mapping[str, object]) -> None:
        """Parameters under flat dotted keys, 100 a call.

        Raises:
            TrackingError: they cannot be written, or one has another value already.
        """
        listed = [Param(accepted(key), shown(value, PARAM_MOST)) for key, value in params.items()]
        with reaching(self._uri, "write a run's parameters"):
            for some in _portions(listed, _PARAMS_A_CALL):
                self._client.log_batch(self._run_id, params=some)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Values of one step, 1000 a call.

        Raises:
            TrackingError: they cannot be written.
        """
        self._write(_metrics(metrics, step, _now()))

    def log_history(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Values of many steps, 1000 a call; each row's ``epoch`` is its step.

        Raises:
            TrackingError: they cannot be written.
            KeyError: a row has no ``epoch``.
        """
        moment = _now()
        values: list[Metric] = []
        for row in rows:
            others = {name: value for name, value in row.items() if name != "epoch"}
            values += _metrics(others, int(row["epoch"]), moment)
        self._write(values)

    def log_table(self, table: "DataFrame", path: str) -> None:
        """A table as CSV, with its index unless that only counts; undefined numbers as ``NaN``.

        Raises:
            TrackingError: it cannot be written.
        """
        from pandas import RangeIndex

        counted = isinstance(table.index, RangeIndex)
        self.log_text(table.to_csv(index=not counted, na_rep="NaN"), path)

    def log_text(self, text: str, path: str) -> None:
        """A text as an artifact.

        Raises:
            TrackingError: it cannot be written.
        """
        with reaching(self._uri, f"write the artifact {path}"):
            self._client.log_text(self._run_id, text, path)

    def log_json(self, value: object, path: str) -> None:
        """Plain values as standard JSON; a number that is not finite becomes ``null``.

        Raises:
            TrackingError: it cannot be written.
        """
        self.log_text(json.dumps(_finite(value), indent=1, allow_nan=False) + "\n", path)

    def log_file(self, file: Path, folder: str = "") -> None:
        """A file, under its own name, in a folder of the run's artifacts.

        Raises:
            TrackingError: it cannot be read or written.
        """
        with reaching(self._uri, f"write the artifact {file.name}"):
            self._client.log_artifact(self._run_id, str(file), folder or None)

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """Tags, 100 a call.

        Raises:
            TrackingError: they cannot be written.
        """
        listed = [RunTag(accepted(key), shown(value, TAG_MOST)) for key, value in tags.items()]
        with reaching(self._uri, "write a run's tags"):
            for some in _portions(listed, _PARAMS_A_CALL):
                self._client.log_batch(self._run_id, tags=some)

    def log_input(
        self, name: str, fingerprint: str, context: str, rows: int, source: str = "fairkd"
    ) -> None:
        """A data set that went into the run, the first 36 digits of its fingerprint as digest.

        Raises:
            TrackingError: it cannot be written.
        """
        data = Dataset(
            name=name,
            digest=fingerprint[:36],
            source_type="fairkd",
            source=json.dumps({"source": source, "fingerprint": fingerprint}),
            profile=json.dumps({"num_rows": rows}),
        )
        given = DatasetInput(data, [InputTag("mlflow.data.context", context)])
        with reaching(self._uri, "write a run's data set"):
            self._client.log_inputs(self._run_id, [given])

    def _write(self, metrics: Sequence[Metric]) -> None:
        with reaching(self._uri, "write a run's metrics"):
            for some in _portions(metrics, _METRICS_A_CALL):
                self._client.log_batch(self._run_id, metrics=some)


def shown(value: object, most: int) -> str:
    """A parameter's or tag's text, as one would type it: ``0.3``, ``1.0``, ``true``, ``null``.

    Args:
        value: text stays as it is; numbers, booleans and None as above; lists and mappings as JSON.
        most: the most characters; a longer text is cut and ends in its length and hash.
    """
    text = value if isinstance(value, str) else _typed(value)
    if len(text) <= most:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    ending = f"... ({len(text)} characters, sha256 {digest})"
    return text[: most - len(ending)] + ending


def _typed(value: object) -> str:
    if isinstance(value, bool | None | list | tuple | dict):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)


def _metrics(values: Mapping[str, float], step: int, moment: int) -> list[Metric]:
    return [
        Metric(accepted(name), value if math.isfinite(value) else math.nan, moment, step)
        for name, value in ((name, float(value)) for name, value in values.items())
    ]


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _portions(items: Sequence[_T], size: int) -> Iterator[list[_T]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def _now() -> int:
    return int(time.time() * 1000)
