"""The pages of an experiment open on the columns that matter."""

import json

from mlflow.tracking import MlflowClient

from fairkd.tracking.mlflow_reading import MlflowReading
from fairkd.tracking.mlflow_tracking import MlflowTracking
from fairkd.tracking.mlflow_view import VIEW, address, experiment_tags


def test_a_new_experiment_has_the_view(tracking: MlflowTracking) -> None:
    tracking.prepare()
    client = MlflowClient(tracking.uri)
    experiment = client.get_experiment_by_name("fairkd")
    assert experiment.tags.items() >= experiment_tags().items()
    columns = json.loads(experiment.tags[VIEW])["selectedColumns"]
    assert columns[:2] == ["metrics.`test/accuracy`", "metrics.`test/disparity`"]
    pages = MlflowReading(tracking.uri).pages()
    assert pages["fairkd"] == (
        f"#/experiments/{experiment.experiment_id}/runs"
        "?workflowType=machine_learning&viewStateShareKey=fairkd"
    )
    assert "Default" not in pages  # nothing of fairkd's is in it


def test_an_experiment_of_before_gains_the_view_and_keeps_its_kind(
    tracking: MlflowTracking,
) -> None:
    client = MlflowClient(tracking.uri)
    mine = client.create_experiment("fairkd", tags={"mlflow.experimentKind": "chosen", VIEW: "{}"})
    tracking.prepare()
    tags = client.get_experiment(mine).tags
    assert tags[VIEW] == experiment_tags()[VIEW]
    assert tags["mlflow.experimentKind"] == "chosen"


def test_an_experiment_of_others_opens_as_mlflow_has_it(tracking: MlflowTracking) -> None:
    assert address("7", {}) == "#/experiments/7/runs?workflowType=machine_learning"
    tracking.prepare()
    named = MlflowReading(tracking.uri, "Default").pages()
    assert named == {"Default": "#/experiments/0/runs?workflowType=machine_learning"}
