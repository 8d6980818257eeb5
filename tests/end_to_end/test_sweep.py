"""Several jobs in one command."""

import pytest

VALUES = ("distillation.temperature=1,4", "constraint.weight=0,0.5")


@pytest.mark.slow
def test_every_combination_is_a_run_and_shares_its_teacher_and_control(fairkd, place) -> None:
    ended = fairkd("-m", *VALUES)
    assert ended.code == 0
    runs = place.runs("FINISHED")
    assert len(runs) == len(place.runs()) == 4
    values = {
        (run.params["distillation.temperature"], run.params["constraint.weight"]) for run in runs
    }
    assert values == {("1", "0"), ("1", "0.5"), ("4", "0"), ("4", "0.5")}
    counts = {kind: len(place.kept(kind)) for kind in ("teacher", "control", "student", "job")}
    assert counts == {"teacher": 1, "control": 1, "student": 4, "job": 4}
    assert (
        "4 jobs: 4 students in 1 stack (1 of 4); before them 1 teacher and 1 control." in ended.out
    )
    logs = [(run.output / "fairkd.log").read_text() for run in runs]
    assert all("student: trained in a stack of 4, best epoch" in log for log in logs)
    (parent,) = place.sweeps("FINISHED")
    assert {run.tags["mlflow.parentRunId"] for run in runs} == {parent.run_id}
    assert len({run.metrics["test/teacher/accuracy"] for run in runs}) == 1
    folders = {run.output.name for run in runs}
    assert folders == {"0", "1", "2", "3"}

    again = fairkd("-m", *VALUES)
    assert again.code == 0
    assert "4 jobs: 4 from the store." in again.out
    assert len(place.runs()) == 4
    assert [run.run_id for run in place.sweeps()] == [parent.run_id]


@pytest.mark.slow
def test_a_job_of_a_sweep_equals_the_job_alone(fairkd, place) -> None:
    fairkd("-m", "distillation.temperature=1,2")
    sweep = next(run for run in place.runs() if run.params["distillation.temperature"] == "2")
    fairkd("distillation.temperature=2", "force=all", "paths.store=other")
    alone = place.runs()[-1]
    assert alone.lasting() == sweep.lasting()


def test_a_refused_job_is_listed_and_does_not_stop_the_others(fairkd, place) -> None:
    ended = fairkd("-m", "distillation.temperature=-1,4,0,2")
    assert ended.code == 1
    assert {run.params["distillation.temperature"] for run in place.runs()} == {"4", "2"}
    assert {run.status for run in place.runs()} == {"FINISHED"}
    for run in place.runs():  # each tells how to do it alone
        typed = (run.artifacts / "overrides.txt").read_text().splitlines()
        assert f"distillation.temperature={run.params['distillation.temperature']}" in typed
        assert not any(word.startswith("sweep.") for word in typed)
    told = " ".join(ended.out.split())
    assert "1 refused: distillation.temperature=0 is out of range" in told
    for value in (-1, 0):
        assert (
            f"distillation.temperature={value} is out of range; accepted: a number above 0." in told
        )
    assert fairkd("-m", "distillation.temperature=-1,4", "sweep.allow_refused=true").code == 0


def test_another_split_is_looked_at_for_itself(fairkd) -> None:
    """Of these three splits the second has a small group of which validation knows one label."""
    alike = ("data=arrests", "data.groups=[colour,sex,colour+sex]", "constraint=none")
    asked = ("baseline=threshold_optimizer", "baseline.by=colour+sex")
    few = "data.validation_fraction=0.06"
    ended = fairkd("-m", "replicate=1,3,4", *alike, *asked, few, "dry_run=true")
    assert ended.code == 1
    assert "3 jobs" not in ended.out
    told = [line for line in ended.out.splitlines() if line.startswith("#")]
    refused = [line for line in told if ": refused: " in line]
    assert len(told) == 3
    assert [line[:2] for line in refused] == ["#1"]
    assert "'white+female' of colour+sex has no row labelled 'No' in validation" in refused[0]


def test_a_failing_job_does_not_stop_the_others(fairkd, place) -> None:
    ended = fairkd("-m", "trainer.optimizer.lr=1e-3,1e30,2e-3")
    assert ended.code == 1
    finished = {run.params["trainer.optimizer.lr"] for run in place.runs("FINISHED")}
    assert finished == {"0.001", "0.002"}
    (failed,) = place.runs("FAILED")
    sentence = "Training diverged in epoch 1: the loss is"
    assert sentence in failed.tags["fairkd.error"]
    assert sentence in (failed.output / "fairkd.log").read_text()
    assert sentence in " ".join(ended.out.split())
    assert "Job #1 failed" in ended.err
    (parent,) = place.sweeps("FINISHED")
    assert parent.metrics["sweep/failed"] == 1
    assert fairkd("-m", "trainer.optimizer.lr=1e-3,1e30,2e-3").code == 1
    assert len(place.runs("FINISHED")) == 2


@pytest.mark.slow
def test_forcing_in_a_sweep_trains_each_part_once(fairkd, place) -> None:
    fairkd("-m", *VALUES)
    kinds = ("teacher", "control", "student", "job")
    before = {key: written for kind in kinds for key, written in place.written(kind).items()}
    ended = fairkd("-m", *VALUES, "force=all")
    assert ended.code == 0
    after = {key: written for kind in kinds for key, written in place.written(kind).items()}
    assert after.keys() == before.keys()
    assert all(after[key] > before[key] for key in after)
    logs = [(run.output / "fairkd.log").read_text() for run in place.runs()[4:]]
    assert all("student: trained in a stack of 4" in log for log in logs)
    assert len(place.runs()) == 8
    superseded = [run for run in place.runs() if "fairkd.superseded" in run.tags]
    assert len(superseded) == 4


@pytest.mark.slow
def test_exact_and_fast_students_never_share_a_stack(fairkd, place) -> None:
    assert fairkd("-m", "stack.kernels=exact,fast", "distillation.temperature=1,2").code == 0
    logs = [(run.output / "fairkd.log").read_text() for run in place.runs("FINISHED")]
    assert len(logs) == 4
    assert all("student: trained in a stack of 2" in log for log in logs)


@pytest.mark.slow
def test_planning_a_sweep_trains_nothing(fairkd, place) -> None:
    ended = fairkd("-m", *VALUES, "dry_run=true")
    assert ended.code == 0
    assert ended.out.count("in stack 1") == 4
    assert "estimated time: unknown until a first teacher was trained here" in ended.out
    assert place.runs() == []
    assert not (place.folder / "store").exists()


def test_an_impossible_choice_stops_a_sweep_before_its_first_job(fairkd, place) -> None:
    ended = fairkd("-m", "student=linear,nope")
    assert ended.code == 1
    assert (
        ended.err
        == "Unknown choice for student 'nope'. Accepted: convnet, linear, mlp, mlp_small, "
        "own, resnet.\n"
    )
    assert place.runs() == []
    assert list(place.folder.glob("multirun/*/*/0")) == []
