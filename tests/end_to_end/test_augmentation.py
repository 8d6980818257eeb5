"""Jobs whose training rows are augmented, teacher, control and student alike."""

import pytest
import torch

TINTED = (
    "data=tinted_digits",
    "teacher=convnet",
    "student=convnet",
    "constraint=none",
    "trainer.max_epochs=1",
    "teacher.trainer.max_epochs=1",
)


@pytest.mark.slow
def test_shifted_digits_train_all_three_and_leave_the_plain_results_alone(fairkd, place) -> None:
    words = (*TINTED, "distillation=[soft_targets,attention]")
    assert fairkd(*words).code == 0
    ended = fairkd(*words, "augmentation=shift")
    assert ended.code == 0, ended.err
    assert fairkd(*words, "augmentation=none").code == 0  # the first job again, from the store
    plain, shifted = place.runs("FINISHED")
    assert {kind: len(place.kept(kind)) for kind in ("teacher", "control", "student")} == {
        "teacher": 2,
        "control": 2,
        "student": 2,
    }
    assert shifted.params["augmentation.shift.pixels"] == "1"
    assert "shift" in shifted.name
    theirs = plain.weights()
    assert not all(torch.equal(value, theirs[name]) for name, value in shifted.weights().items())


def test_the_teacher_may_be_fitted_at_once_and_is_then_asked_at_every_step(fairkd, place) -> None:
    ended = fairkd("teacher=gradient_boosting", "augmentation=noise", "trainer.max_epochs=1")
    assert ended.code == 0, ended.err
    again = fairkd("teacher=gradient_boosting", "trainer.max_epochs=1")
    assert again.code == 0
    assert len(place.kept("teacher")) == 1
    assert len(place.kept("student")) == 2


@pytest.mark.slow
def test_a_sweep_trains_augmented_jobs_one_by_one_and_lists_the_choice_once(fairkd, place) -> None:
    ended = fairkd("-m", "augmentation=none,noise", "distillation.temperature=1,4")
    assert ended.code == 0, ended.err
    assert "its rows are augmented" in ended.out + ended.err
    assert ended.out.count("augmentation.noise") >= 1
    assert "trainer.augmentation" not in ended.out
    assert len(place.runs("FINISHED")) == 4
