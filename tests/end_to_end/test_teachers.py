"""Teachers that are given, that are taught, and one of the student's own kind."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

ASSISTANT = (
    "teacher=assistant",
    "teacher@teacher.teacher=mlp_small",
    "teacher.teacher.trainer.max_epochs=2",
    "teacher.model.hidden=[8]",
)


def test_given_weights_are_the_teacher_and_nothing_is_trained(fairkd, place) -> None:
    fairkd()
    weights = place.run().output / "student.safetensors"
    shutil.copy(weights, "trained.safetensors")
    ended = fairkd("teacher.weights=trained.safetensors", "teacher.model=${student}")
    assert ended.code == 0, ended.err
    run = place.runs()[-1]
    found = run.lasting()
    # The old student on the same rows.
    before = place.runs()[0].lasting()
    for name in ("accuracy", "auc", "worst_group_accuracy/colour"):
        assert found[f"test/teacher/{name}"] == before[f"test/student/{name}"]
    # The content counts, not the place.
    Path("trained.safetensors").rename("elsewhere.safetensors")
    again = fairkd("teacher.weights=elsewhere.safetensors", "teacher.model=${student}")
    assert "everything above is from the store" in again.out


def test_an_assistant_is_taught_and_teaches(fairkd, place) -> None:
    ended = fairkd(*ASSISTANT)
    assert ended.code == 0, ended.err
    assert "teacher's teacher: training." in ended.err
    assert len(place.kept("teacher")) == 2
    # Without a word of its teacher it would be another one.
    other = fairkd(*ASSISTANT, "teacher.distillation.terms.soft_targets.temperature=1")
    assert other.code == 0, other.err
    assert "teacher's teacher: training." not in other.err
    assert len(place.kept("teacher")) == 3
    first, second = (run.lasting()["test/teacher/auc"] for run in place.runs())
    assert first != second


@pytest.mark.slow
def test_an_assistants_teacher_is_the_same_teacher_as_without_it(fairkd, place) -> None:
    fairkd("teacher=mlp_small")
    ended = fairkd(*ASSISTANT)
    assert "teacher's teacher: training." not in ended.err
    assert len(place.kept("teacher")) == 2


@pytest.mark.slow
def test_an_assistant_whose_weights_are_given_is_taken_as_it_is(fairkd, place) -> None:
    fairkd()
    shutil.copy(place.run().output / "student.safetensors", "trained.safetensors")
    given = ("teacher.model.hidden=${student.hidden}", "teacher.weights=trained.safetensors")
    ended = fairkd("teacher=assistant", *given)
    assert ended.code == 0, ended.err
    assert "teacher: given, and not trained." in ended.err
    assert "teacher's teacher" not in ended.err
    found, before = place.runs()[-1].lasting(), place.runs()[0].lasting()
    assert found["test/teacher/auc"] == before["test/student/auc"]
    planned = fairkd("teacher=assistant", *given, "seed=1", "dry_run=true")
    assert "teacher: would be taken from trained.safetensors" in planned.out


def test_what_a_chain_would_train_is_told_beforehand(fairkd, place) -> None:
    planned = fairkd(*ASSISTANT, "compression=prune", "dry_run=true")
    assert "  teacher's teacher: would be trained" in planned.out
    assert "  pruned: would be made of the student with 10 epochs of training" in planned.out


def test_a_teachers_teacher_that_diverges_is_named_once(fairkd, place) -> None:
    ended = fairkd(*ASSISTANT, "teacher.teacher.trainer.optimizer.lr=1e30")
    assert ended.code == 1
    assert ended.err.count("Its settings are under") == 1
    assert "teacher's teacher: Training diverged" in ended.err
    assert "Its settings are under teacher.teacher.trainer." in ended.err


@pytest.mark.slow
def test_a_sweep_over_kinds_of_teachers_says_which(fairkd, place) -> None:
    ended = fairkd("-m", "teacher=mlp_small,same,assistant", "teacher.trainer.max_epochs=1")
    assert ended.code == 0, ended.err
    assert "teacher.teacher" not in ended.out.partition("run  ")[0]


@pytest.mark.slow
def test_a_sweep_beside_an_assistant_is_the_jobs_one_by_one(fairkd, place) -> None:
    ended = fairkd("-m", *ASSISTANT, "distillation.temperature=1,2,4")
    assert ended.code == 0, ended.err
    weights = {run.params["distillation.temperature"]: run.weights() for run in place.runs()}
    shutil.rmtree("store")
    for temperature in (1, 2, 4):
        fairkd(*ASSISTANT, f"distillation.temperature={temperature}")
        alone = place.runs()[-1].weights()
        stacked = weights[str(temperature)]
        assert all(torch.equal(alone[name], stacked[name]) for name in alone)


def test_the_repetitions_of_a_chain_are_one_configuration(fairkd, place) -> None:
    ended = fairkd("-m", *ASSISTANT, "replicate=0,1")
    assert ended.code == 0, ended.err
    keys = {run.tags["fairkd.configuration_key"] for run in place.runs()}
    assert len(keys) == 1


def test_a_fitted_teachers_repetitions_are_one_configuration(fairkd, place) -> None:
    ended = fairkd("-m", "teacher=gradient_boosting", "replicate=0,1")
    assert ended.code == 0, ended.err
    assert len({run.tags["fairkd.configuration_key"] for run in place.runs()}) == 1
    assert len({run.tags["fairkd.teacher_key"] for run in place.runs()}) == 2


@pytest.mark.slow
def test_with_equal_seeds_self_distillation_learns_from_the_control(fairkd, place) -> None:
    ended = fairkd("teacher=same")
    assert ended.code == 0, ended.err
    found = place.run().lasting()
    for name in ("accuracy", "auc"):
        assert found[f"test/teacher/{name}"] == found[f"test/control/{name}"]
    fairkd("teacher=same", "teacher.seed=1")
    found = place.runs()[-1].lasting()
    assert found["test/teacher/auc"] != found["test/control/auc"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("teacher.weights=nothing.pt",), "teacher.weights=nothing.pt is no file"),
        (("teacher.weights=small.safetensors",), "teacher.weights: small.safetensors has no"),
        (
            ("teacher.weights=small.safetensors", "teacher.seed=1"),
            "teacher.seed has no effect: the teacher is not trained, as teacher.weights gives it "
            "as it was trained.",
        ),
        (
            (*ASSISTANT, "~teacher.distillation.terms.soft_targets"),
            "teacher.distillation.terms is empty, so an assistant learns nothing",
        ),
        (
            ("teacher=assistant", "teacher.teacher.seed=-1"),
            "teacher.teacher.seed=-1 is out of range",
        ),
        (
            (*ASSISTANT, "teacher.distillation.label_weight=-1"),
            "teacher.distillation.label_weight=-1 is out of range",
        ),
        (
            (*ASSISTANT, "teacher.distillation.terms.soft_targets.temperature=0"),
            "teacher.distillation.terms.soft_targets.temperature=0",
        ),
        (
            (*ASSISTANT, "+teacher.distillation.start_epoch=1"),
            "Unknown key in teacher.distillation 'start_epoch'",
        ),
    ],
)
def test_refused_before_anything_is_trained(fairkd, place, words, sentence) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(2)}, "small.safetensors")
    assert load_file("small.safetensors")
    ended = fairkd(*words)
    assert ended.code == 1
    assert sentence in ended.err
    assert not place.kept("teacher")
