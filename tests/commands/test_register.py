"""``fairkd register``, from the command line."""

import shlex
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from fairkd.serving.description import Description
from fairkd.tracking import JOB_KEY, SWEEP_ID
from fairkd.tracking.mlflow_tracking import MlflowTracking

STUDENT = Description({"_target_": "own.Net"}, (2,), ("no", "yes"), 0.5, ())


@pytest.fixture
def students(workplace: Path, tracked: list[str]) -> list[str]:
    """The tracked sweep's runs, with what makes their students models."""
    tracking = MlflowTracking(experiment="fairkd", locks=workplace / "locks")
    for run_id in tracked:
        with tracking.resume(run_id) as run:
            run.log_text("flavors: {}\n", "student/MLmodel")
            run.log_json(STUDENT.to_json(), "student/student.json")
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
    told, how, on_test, serve = ended.out.splitlines()
    assert told == f"arrests version 1 is {name} of run {chosen}."
    assert how.startswith("on validation it is the most accurate whose gap is within 1 (w=")
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
    assert "within threshold=0 on validation: the closest (w=" in ended.err
    assert MlflowClient().search_registered_models() == []


def test_without_a_threshold_it_is_the_jobs_own(fairkd: Any, students: list[str]) -> None:
    _, how, *_ = fairkd("register", "sweep=s", "name=arrests").out.splitlines()
    pairs = [students[:2], students[2:]]
    gaps = [fmean(of_run(one, "disparity") for one in ids) for ids in pairs]
    assert [gap <= 0.05 for gap in gaps] == [True, False]
    assert how == (
        "on validation it is the most accurate whose gap is within 0.05 (w=0). "
        "The threshold of 0.05 is the one of the jobs' bounds."
    )


def test_the_numbers_are_of_what_is_served(
    fairkd: Any, students: list[str], measured: Any, workplace: Path
) -> None:
    record = measured(seed=3, further=("baseline",))
    with MlflowTracking(experiment="fairkd", locks=workplace / "locks").resume(students[0]) as run:
        run.log_json(record.to_json(), "record.json")
        run.set_tags({"fairkd.holds": "wrong", "fairkd.certified": "no"})
    ended = fairkd("register", f"run={students[0]}", "name=arrests")
    _, served, on_test, _ = ended.out.splitlines()
    assert served == ("served is its student: the baseline, which the job is for, cannot be served")
    found = record.trio.evaluations["student"].metrics
    accuracy, gap = found["accuracy"], found["demographic_parity_difference/sex"]
    assert on_test == f"on test accuracy {accuracy:.3f}, gap {gap:.3f}"
    tags = MlflowClient().get_model_version("arrests", "1").tags
    assert tags["fairkd.holds"] == ("yes" if gap <= 0.05 else "no")
    assert tags["fairkd.certified"] == "no"


def test_the_line_to_serve_it_is_for_a_shell(
    fairkd: Any, students: list[str], workplace: Path
) -> None:
    (workplace / "my runs").mkdir()
    for file in workplace.glob("mlflow.db*"):  # with what is not yet written back into it
        file.rename(workplace / "my runs" / file.name)
    words = ["tracking.uri=sqlite:///my runs/mlflow.db", "name=it's new"]
    *_, serve = fairkd("register", f"run={students[0]}", *words).out.splitlines()
    assert shlex.split(serve.removeprefix("serve   ")) == [
        f"MLFLOW_TRACKING_URI=sqlite:///{workplace}/my runs/mlflow.db",
        *["mlflow", "models", "serve", "-m", "models:/it's new/1", "--env-manager", "local"],
        *["--host", "127.0.0.1", "--port", "5001"],
    ]


def test_a_sweep_with_a_failed_job_is_refused(
    fairkd: Any, students: list[str], workplace: Path
) -> None:
    tracking = MlflowTracking(experiment="fairkd", locks=workplace / "locks")
    tags = {JOB_KEY: "k", SWEEP_ID: "s"}
    with pytest.raises(ArithmeticError), tracking.start("broken", {}, tags):
        raise ArithmeticError
    ended = fairkd("register", "sweep=s", "name=arrests")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        "sweep=s has jobs of which nothing can be said: 1 job has no finished run: broken "
        "(FAILED). Run them again, or add unfinished=accept to go on without them.\n"
    )
    assert fairkd("register", "sweep=s", "name=arrests", "unfinished=accept").code == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sweep=s"], "No name is given; write name=MODEL"),
        (["name=a"], "No runs are named; give one of run=, sweep=, query=."),
        (["run=a", "name=a", "threshold=0.1"], "threshold=0.1 chooses among several jobs"),
        (["sweep=s", "name=a", "threshold=-1"], "threshold=-1 is not a number of at least 0"),
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
