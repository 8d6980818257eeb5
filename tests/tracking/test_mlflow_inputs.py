"""Data sets that several runs write of for the first time, at the same time."""

from collections.abc import Callable
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from fairkd.errors import TrackingError
from fairkd.tracking.mlflow_tracking import MlflowTracking

RACE = (
    "(sqlite3.IntegrityError) UNIQUE constraint failed: datasets.experiment_id, datasets.name, "
    "datasets.digest"
)


def failing(log: Callable[..., None], errors: list[str]) -> Callable[..., None]:
    def attempt(*arguments: Any) -> None:
        if errors:
            raise MlflowException(errors.pop(0))
        log(*arguments)

    return attempt


def test_whoever_comes_second_writes_again(
    tracking: MlflowTracking, rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with tracking.start("first", {}, {}) as run:
        run.log_input("adult", "abc", "training", 10)
    with tracking.start("second", {}, {}) as run:
        client = run._client
        monkeypatch.setattr(client, "log_inputs", failing(client.log_inputs, [RACE]))
        run.log_input("adult", "abc", "training", 10)
    assert rows("select count(*) from datasets") == [(1,)]
    assert rows("select count(distinct destination_id) from inputs") == [(2,)]


@pytest.mark.parametrize("errors", [["no such table"], [RACE, RACE]], ids=["another", "twice"])
def test_any_other_error_is_told(
    tracking: MlflowTracking, monkeypatch: pytest.MonkeyPatch, errors: list[str]
) -> None:
    with tracking.start("run", {}, {}) as run:
        client = run._client
        with monkeypatch.context() as patched:
            patched.setattr(client, "log_inputs", failing(client.log_inputs, errors))
            run.log_input("adult", "abc", "training", 10)
            with pytest.raises(TrackingError, match="write into a run"):
                run.flush()
