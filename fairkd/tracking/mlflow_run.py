"""One open MLflow run: everything is collected, and written through the client in few calls."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from fairkd.tracking.interface import COMPARED
from fairkd.tracking.mlflow_artifacts import Artifacts
from fairkd.tracking.mlflow_bulk import insert_logged_model
from fairkd.tracking.mlflow_database import reaching, telling
from fairkd.tracking.mlflow_values import (
    PARAM_MOST,
    TAG_MOST,
    as_json,
    as_metrics,
    now,
    shown,
)
from fairkd.tracking.slug import accepted

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient
    from pandas import DataFrame

    from fairkd.serving.description import Description
    from fairkd.serving.student import Rows

_UNIQUE = re.compile("UNIQUE constraint|UniqueViolation|Duplicate entry|IntegrityError")
_TABLES = "mlflow.loggedArtifacts"
"""The tag that tells MLflow's pages which artifacts are tables."""
EVERY = 2.0
"""The seconds between two writes while a run is open, at the least."""


class TrackedRun:
    """A run of `MlflowTracking`, while it is open.

    Parameters are written at once. The rest is collected and written by `flush`: when something is
    logged and the last write is `EVERY` seconds ago, so that a long job shows its curves, and when
    the run ends. A job that is written from the store in one go takes one write that way.

    Names that MLflow would refuse are slugged. NaN is stored as NaN. MLflow would turn an infinity
    into the largest float, a number nobody measured; it is stored as NaN instead. A parameter or
    tag beyond MLflow's limit is cut and ends in its length and a hash of the whole.

    Args:
        client: where the run lives.
        uri: the tracking URI, for sentences.
        run_id: the run's id.
        artifacts: the URI of the run's artifacts; None has MLflow look it up.
        every: seconds, as `EVERY`.
    """

    def __init__(
        self,
        client: "MlflowClient",
        uri: str,
        run_id: str,
        artifacts: str | None = None,
        every: float = EVERY,
    ) -> None:
        self._client = client
        self._uri = uri
        self._run_id = run_id
        self._every = every
        self._written = time.monotonic()
        self._metrics: list[Metric] = []
        self._tags: dict[str, str] = {}
        self._inputs: list[DatasetInput] = []
        self._tables: list[str] = []
        self._models: dict[str, Mapping[str, float]] = {}
        self._artifacts = Artifacts(client, run_id, artifacts)

    @property
    def run_id(self) -> str:
        """The run's id in MLflow."""
        return self._run_id

    def log_params(self, params: Mapping[str, object]) -> None:
        """Parameters under flat dotted keys, written now: a run that is killed has them too.

        Raises:
            TrackingError: they cannot be written, or one has another value already.
        """
        listed = [Param(accepted(key), shown(value, PARAM_MOST)) for key, value in params.items()]
        with reaching(self._uri, "write a run's parameters"):
            self._client.log_batch(self._run_id, params=listed)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Values of one step.

        Raises:
            TrackingError: it was time to write, and that failed.
        """
        self._metrics += as_metrics(metrics, step, now())
        self._flush_in_time()

    def log_history(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Values of many steps; each row's ``epoch`` is its step.

        Raises:
            TrackingError: it was time to write, and that failed.
            KeyError: a row has no ``epoch``.
        """
        moment = now()
        for row in rows:
            others = {name: value for name, value in row.items() if name != "epoch"}
            self._metrics += as_metrics(others, int(row["epoch"]), moment)
        self._flush_in_time()

    def log_table(self, table: "DataFrame", path: str) -> None:
        """A table as CSV, with its index unless that only counts; undefined numbers as ``NaN``.

        Raises:
            TrackingError: as `log_text`.
        """
        from pandas import RangeIndex

        counted = isinstance(table.index, RangeIndex)
        self.log_text(table.to_csv(index=not counted, na_rep="NaN"), path)

    def show_table(self, table: "DataFrame", path: str) -> None:
        """A table as MLflow's pages show one; its index does not count, undefined is empty.

        Raises:
            TrackingError: as `log_text`.
        """
        self._tables.append(path)
        shown_tables = [{"path": path, "type": "table"} for path in self._tables]
        self._tags[_TABLES] = json.dumps(shown_tables)
        self.log_json({"columns": [*table.columns], "data": table.to_numpy().tolist()}, path)

    def log_model(
        self,
        folder: str,
        description: "Description",
        example: "Rows",
        numbers: Mapping[str, float],
    ) -> None:
        """Describe the files of a folder of the artifacts as a model; see `Run.log_model`.

        In an SQLite file it is one of the experiment's logged models as well.

        Raises:
            TrackingError: as `log_text`.
        """
        from fairkd.tracking.mlflow_model import model_files

        texts = model_files(folder, self._run_id, description, example)
        with telling(self._uri, f"write the model {folder}"):
            for name, text in texts.items():
                self._artifacts.add_text(f"{folder}/{name}", text)
        self._models[folder] = {accepted(name): value for name, value in numbers.items()}
        self._flush_in_time()

    def log_text(self, text: str, path: str) -> None:
        """A text as an artifact.

        Raises:
            TrackingError: it cannot be kept, or it was time to write, and that failed.
        """
        with telling(self._uri, f"write the artifact {path}"):
            self._artifacts.add_text(path, text)
        self._flush_in_time()

    def log_json(self, value: object, path: str) -> None:
        """Plain values as standard JSON; a number that is not finite becomes ``null``.

        Raises:
            TrackingError: as `log_text`.
        """
        # On one line: Python's fast encoder knows no indentation, and MLflow's page makes its own.
        self.log_text(as_json(value) + "\n", path)

    def log_file(self, file: Path, folder: str = "") -> None:
        """A file as it is now, under its own name, in a folder of the run's artifacts.

        Raises:
            TrackingError: it cannot be read or kept, or it was time to write, and that failed.
        """
        with telling(self._uri, f"write the artifact {file.name}"):
            self._artifacts.add_file(str(PurePosixPath(folder, file.name)), file)
        self._flush_in_time()

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """Tags; a later value replaces an earlier one.

        Raises:
            TrackingError: it was time to write, and that failed.
        """
        self._tags |= {accepted(key): shown(value, TAG_MOST) for key, value in tags.items()}
        self._flush_in_time()

    def log_input(
        self, name: str, fingerprint: str, context: str, rows: int, source: str = "fairkd"
    ) -> None:
        """A data set that went into the run, the first 36 digits of its fingerprint as digest.

        Raises:
            TrackingError: it was time to write, and that failed.
        """
        data = Dataset(
            name=name,
            digest=fingerprint[:36],
            source_type="fairkd",
            source=json.dumps({"source": source, "fingerprint": fingerprint}),
            profile=json.dumps({"num_rows": rows}),
        )
        self._inputs.append(DatasetInput(data, [InputTag("mlflow.data.context", context)]))
        self._flush_in_time()

    def flush(self) -> None:
        """Write everything collected. What one attempt could not write is not tried again.

        Raises:
            TrackingError: it cannot be written.
        """
        self._written = time.monotonic()
        # MLflow's pages list metrics as they came, and choose the first for a comparison.
        metrics, self._metrics = sorted(self._metrics, key=_importance), []
        tags, self._tags = [RunTag(key, value) for key, value in self._tags.items()], {}
        inputs, self._inputs = self._inputs, []
        models, self._models = self._models, {}
        with reaching(self._uri, "write into a run"):
            if metrics or tags:
                self._client.log_batch(self._run_id, metrics=metrics, tags=tags)
            if inputs:
                self._log_inputs(inputs)
            self._artifacts.write()
            for folder, numbers in models.items():
                insert_logged_model(self._client, self._run_id, folder, numbers)

    def close(self) -> None:
        """Forget what was not written."""
        self._artifacts.discard()

    def _log_inputs(self, inputs: list[DatasetInput]) -> None:
        try:
            self._client.log_inputs(self._run_id, inputs)
        except MlflowException as error:
            if not _UNIQUE.search(str(error)):
                raise
            # Another run wrote of the same data set for the first time just now; here it is again.
            self._client.log_inputs(self._run_id, inputs)

    def _flush_in_time(self) -> None:
        if time.monotonic() - self._written >= self._every:
            self.flush()


def _importance(metric: Metric) -> int:
    return COMPARED.index(metric.key) if metric.key in COMPARED else len(COMPARED)
