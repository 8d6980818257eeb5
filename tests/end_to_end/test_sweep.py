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
    assert ended.err.count("teacher: trained in") == 1
    assert ended.err.count("control: trained in") == 1
    assert ended.err.count("student: trained in") == 4
    assert len({run.metrics["test/teacher/accuracy"] for run in runs}) == 1
    folders = {run.output.name for run in runs}
    assert folders == {"0", "1", "2", "3"}

    again = fairkd("-m", *VALUES)
    assert (again.code, again.err.count("training")) == (0, 0)
    assert again.err.count("(from the store)") == 4
    assert len(place.runs()) == 4


@pytest.mark.slow
def test_a_job_of_a_sweep_equals_the_job_alone(fairkd, place) -> None:
    fairkd("-m", "distillation.temperature=1,2")
    sweep = next(run for run in place.runs() if run.params["distillation.temperature"] == "2")
    fairkd("distillation.temperature=2", "force=all", "paths.store=other")
    alone = place.runs()[-1]
    assert alone.lasting() == sweep.lasting()


def test_a_failing_job_does_not_stop_the_others(fairkd, place) -> None:
    ended = fairkd("-m", "distillation.temperature=-1,4,0,2")
    assert ended.code == 1
    assert {run.params["distillation.temperature"] for run in place.runs()} == {"4", "2"}
    assert {run.status for run in place.runs()} == {"FINISHED"}
    told = [line for line in ended.err.splitlines() if "fail" in line or "rror" in line]
    assert len(told) == 3
    for line, number, value in zip(told[:2], (0, 2), (-1, 0), strict=True):
        assert line.startswith(f"Job #{number} failed (experiment=debug ")
        sentence = f"distillation.temperature={value} is out of range; accepted: a number above 0."
        assert line.endswith(sentence)
    assert told[-1] == (
        "2 of 4 jobs failed (#0, #2; see above). The same command takes the others from the store "
        "and does these again."
    )


@pytest.mark.slow
def test_forcing_in_a_sweep_trains_each_part_once(fairkd, place) -> None:
    fairkd("-m", *VALUES)
    ended = fairkd("-m", *VALUES, "force=all")
    assert ended.code == 0
    assert ended.err.count("teacher: trained in") == 1
    assert ended.err.count("control: trained in") == 1
    assert ended.err.count("student: trained in") == 4
    assert len(place.runs()) == 8
    superseded = [run for run in place.runs() if "fairkd.superseded" in run.tags]
    assert len(superseded) == 4


@pytest.mark.slow
def test_planning_a_sweep_trains_nothing(fairkd, place) -> None:
    ended = fairkd("-m", *VALUES, "dry_run=true")
    assert ended.code == 0
    assert ended.out.count("student: would be trained, 2 epochs at most") == 4
    assert place.runs() == []
    assert not (place.folder / "store").exists()


def test_an_impossible_choice_stops_a_sweep_before_its_first_job(fairkd, place) -> None:
    ended = fairkd("-m", "student=linear,nope")
    assert ended.code == 1
    assert (
        ended.err == "Unknown choice for student 'nope'. Accepted: linear, mlp, mlp_small, own.\n"
    )
    assert place.runs() == []
    assert list(place.folder.glob("multirun/*/*/0")) == []
