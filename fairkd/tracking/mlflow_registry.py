"""Students of tracked runs in MLflow's model registry."""

from dataclasses import dataclass

from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from fairkd.errors import TrackingError
from fairkd.tracking.mlflow_database import is_server, reaching
from fairkd.tracking.mlflow_server import check_reachable
from fairkd.tracking.reading import Reading, TrackedJob

_EXISTS = "RESOURCE_ALREADY_EXISTS"


@dataclass(frozen=True)
class Registered:
    """A version of a registered model.

    Attributes:
        name: of the model.
        version: counted from 1.
        is_new: whether it was registered now.
    """

    name: str
    version: str
    is_new: bool

    @property
    def uri(self) -> str:
        """What MLflow serves it by."""
        return f"models:/{self.name}/{self.version}"


def check_model(reading: Reading, run: TrackedJob, folder: str = "student") -> None:
    """Refuse a run without a model, as those of before students were models.

    Raises:
        TrackingError: it has none, or its artifacts cannot be reached.
    """
    if not reading.has(run, f"{folder}/MLmodel"):
        raise TrackingError(
            f"Run {run.run_id} ({run.name}) holds no model that MLflow can serve; run its job "
            "again with this version of fairkd and force=student."
        )


def register(
    uri: str, reading: Reading, run: TrackedJob, name: str, folder: str = "student"
) -> Registered:
    """Make a run's student the newest version of a registered model, unless it is a version of it.

    Args:
        uri: the tracking URI.
        reading: the same store, for the run's artifacts.
        run: of the student.
        name: of the registered model; made where there is none.
        folder: of the run's artifacts, with the student.

    Raises:
        TrackingError: the store cannot be reached or written, MLflow refuses the name, or the run
            holds no model.
    """
    check_model(reading, run, folder)
    if is_server(uri):
        check_reachable(uri)
    with reaching(uri, f"register the model {name}"):
        client = MlflowClient(uri, registry_uri=uri)
        _make(client, name)
        # Of a name, any character may be part, also the quotes of MLflow's conditions.
        known = client.search_model_versions(f"run_id = '{run.run_id}'")
        mine = [version for version in known if version.name == name]
        if mine:
            return Registered(name, str(_newest(mine).version), is_new=False)
        outputs = client.get_run(run.run_id).outputs
        models = [] if outputs is None else outputs.model_outputs
        made = client.create_model_version(
            name,
            source=f"{reading.place(run)}/{folder}",
            run_id=run.run_id,
            tags={key: value for key, value in run.tags.items() if key.startswith("fairkd.")},
            description=run.tags.get("mlflow.note.content"),
            model_id=models[0].model_id if models else None,
        )
        return Registered(name, str(made.version), is_new=True)


def _make(client: MlflowClient, name: str) -> None:
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != _EXISTS:
            raise


def _newest(versions: list[ModelVersion]) -> ModelVersion:
    return max(versions, key=lambda version: int(version.version))
