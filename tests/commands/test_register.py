"""``fairkd register``, from the command line."""

from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from fairkd.tracking.mlflow_tracking import MlflowTracking


@pytest.fixture
def students(workplace: Path, tracked: list[str]) -> list[str]:
    """The tracked sweep's runs, with what makes their students models."""
    tracking = MlflowTracking(experiment="fairkd", locks=workplace / "locks")
    for run_id in tracked:
        with tracking.resume(run_id) as run:
            run.log_text("flavors: {}\n", "student/MLmodel")
    return tracked


def of_run(run_id: str, name: str) -> float:
    return MlflowClient().get_run(run_id).data.metrics[f"validation/{name}"]


def test_the_best_of_a_sweep_on_validation(fairkd: Any, students: list[str]) -> None:
    ended = fairkd("register", "sweep=s", "name=arrests", "threshold=1")
    assert (ended.code, ended.err) == (0, "")
    pairs = [students[:2], students[2:]]
    best = max(pairs, key=lambda ids: fmean(of_run(one, "accuracy") for one in ids))
    chosen = max(best, key=lambda one: of_run(one, "accuracy"))
    name = MlflowClient().get_run(chosen).info.run_name
    told, on_test, serve = ended.out.splitlines()
    assert told == f"arrests version 1 is {name} of run {chosen}."
    metrics = MlflowClient().get_run(chosen).data.metrics
    accuracy, gap = metrics["test/accuracy"], metrics["test/disparity"]
    assert on_test == f"on test accuracy {accuracy:.3f}, gap {gap:.3f}"
    assert "mlflow models serve -m models:/arrests/1 --env-manager local --host 127.0.0.1" in serve
    again = fairkd("register", f"run={chosen}", "name=arrests")
    assert again.out.splitlines()[0] == f"arrests version 1 was already {name} of run {chosen}."


def test_a_gap_that_no_configuration_keeps(fairkd: Any, students: list[str]) -> None:
    ended = fairkd("register", "sweep=s", "name=arrests", "threshold=0")
    assert ended.code == 1
    assert ended.err.startswith("No configuration has a gap (demographic_parity_difference by sex)")
    assert MlflowClient().search_registered_models() == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sweep=s"], "No name is given; write name=MODEL"),
        (["name=a"], "No runs are named; give one of run=, sweep=, query=."),
        (["run=a", "name=a", "threshold=0.1"], "threshold=0.1 chooses from a sweep"),
        (["sweep=s", "nam=a"], "Unknown key 'nam'; did you mean 'name'?"),
    ],
)
def test_wrong_usage(fairkd: Any, workplace: Path, words: list[str], sentence: str) -> None:
    ended = fairkd("register", *words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(sentence)
    assert list(workplace.iterdir()) == []


def test_a_run_of_before_students_were_models(fairkd: Any, tracked: list[str]) -> None:
    ended = fairkd("register", f"run={tracked[0]}", "name=arrests")
    assert ended.code == 1
    assert "holds no model that MLflow can serve" in ended.err
