"""Teachers of which only their answers are there: a file of outputs, a graph, a classifier."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from sklearn.linear_model import LogisticRegression

from fairkd.data.arrests import load_arrests

OUTPUTS = ("teacher=outputs", "teacher.path=probs.csv")


@pytest.fixture(scope="module")
def taught() -> tuple[LogisticRegression, "np.ndarray"]:
    """A teacher on prepared rows of the debug data, and its probability of Yes for every row."""
    dataset = load_arrests(seed=0)
    rows = dataset.splits["train"]
    classifier = LogisticRegression().fit(rows.x.numpy(), rows.y.numpy())
    said = np.empty(sum(map(len, dataset.rows.values())))
    for split, places in dataset.rows.items():
        said[places] = classifier.predict_proba(dataset.splits[split].x.numpy())[:, 1]
    return classifier, said


@pytest.fixture
def write(taught: tuple[LogisticRegression, "np.ndarray"]) -> Callable[..., None]:
    """Files in the working folder: the classifier, and what it says."""

    def files(tilt: float = 1.0) -> None:
        classifier, said = taught
        skops.io.dump(classifier, "clf.skops")
        yes = said**tilt
        pd.DataFrame({"No": 1 - yes, "Yes": yes}).to_csv("probs.csv", index=False)

    return files


def test_outputs_teach_as_the_model_that_gave_them_does(fairkd, place, write) -> None:
    write()
    ended = fairkd(*OUTPUTS)
    assert ended.code == 0, ended.err
    assert "teacher: reading probs.csv." in ended.err
    assert "teacher: given, and not trained." in ended.err
    assert "the teacher's own size and time are unknown" in " ".join(ended.out.split())
    other = fairkd("teacher=pickle", "teacher.path=clf.skops")
    assert other.code == 0, other.err
    first, second = place.runs()
    found = first.lasting()
    for name in ("accuracy", "auc", "worst_group_accuracy/colour"):
        assert found[f"test/teacher/{name}"] == pytest.approx(
            second.lasting()[f"test/teacher/{name}"]
        )
    for name, weights in first.weights().items():
        torch.testing.assert_close(weights, second.weights()[name], rtol=0, atol=1e-3)
    # What cannot be known is not there, neither as a number nor as a table.
    assert "test/teacher/parameters" not in found
    assert "test/student/parameters" in found
    assert "test/teacher/membership_auc/colour" not in found
    assert "privacy/colour.student.csv" in first.files()
    assert "privacy/colour.teacher.csv" not in first.files()


@pytest.mark.slow
def test_the_content_of_the_file_counts(shared_fairkd, shared_place, write) -> None:
    write()
    assert shared_fairkd(*OUTPUTS).code == 0
    again = shared_fairkd(*OUTPUTS)
    assert "everything above is from the store" in again.out
    assert not shared_place.kept("outputs")  # they are the teacher's own state
    planned = shared_fairkd(*OUTPUTS, "dry_run=true")
    assert "teacher: would be taken from probs.csv" in planned.out
    write(tilt=2.0)
    other = shared_fairkd(*OUTPUTS)
    assert "student: training." in other.err
    assert "control: reused from the store" in other.err
    assert len(shared_place.kept("teacher")) == 2


@pytest.mark.slow
def test_a_sweep_beside_outputs_is_the_jobs_one_by_one(fairkd, place, write) -> None:
    write()
    words = (*OUTPUTS, "data.imperfect.label_flip_rate=0.1")
    ended = fairkd("-m", *words, "distillation.temperature=1,4")
    assert ended.code == 0, ended.err
    assert (ended.out + ended.err).count("reading probs.csv") == 1
    stacked = {run.params["distillation.temperature"]: run.weights() for run in place.runs()}
    for temperature, weights in stacked.items():
        assert fairkd(*words, f"distillation.temperature={temperature}", "force=student").code == 0
        alone = place.runs()[-1].weights()
        assert all(torch.equal(alone[name], weights[name]) for name in alone)


@pytest.mark.slow
def test_an_assistant_learns_from_outputs(fairkd, place, write) -> None:
    write()
    words = ("teacher=assistant", "teacher.model.hidden=[8]", "teacher@teacher.teacher=outputs")
    ended = fairkd(*words, "teacher.teacher.path=probs.csv")
    assert ended.code == 0, ended.err
    assert "teacher's teacher: reading probs.csv." in ended.err
    refused = fairkd(*words, "teacher.teacher.path=clf.skops")
    assert "teacher.teacher.path" in refused.err


@pytest.mark.slow
def test_a_teacher_below_chance_is_pointed_out(fairkd, place, write) -> None:
    write()
    mixed_up = pd.read_csv("probs.csv").rename(columns={"No": "Yes", "Yes": "No"})
    mixed_up.to_csv("probs.csv", index=False)
    ended = fairkd(*OUTPUTS)
    assert ended.code == 0
    assert "less than by chance; are its outputs in the order No, Yes?" in ended.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("distillation=hint",),
            "distillation.terms.hint reads a layer of the teacher, and Answers names none",
        ),
        (("distillation.init=teacher",), "distillation.init=teacher needs linear layers"),
        (
            ("augmentation=noise",),
            "trainer: augmentation changes rows at every step, and the teacher's outputs are known",
        ),
        (("teacher.seed=1",), "teacher.seed has no effect: the teacher is not trained, as its"),
        (
            ("teacher.path=null", "teacher.columns=[age]"),
            "teacher.columns: age is a feature of data=arrests, so the student would be shown",
        ),
        (("teacher.columns=[A]",), "teacher.path: Unknown column of probs.csv 'A'"),
        (
            ("student=own", "student._target_=fairkd.models.answers.Answers"),
            "recorded outputs are teachers and cannot be a student",
        ),
    ],
)
def test_refused_before_anything_is_trained(fairkd, place, write, words, sentence) -> None:
    write()
    ended = fairkd(*OUTPUTS, *words)
    assert ended.code == 1
    assert sentence in ended.err
    assert "Traceback" not in ended.err
    assert not place.kept("teacher")
