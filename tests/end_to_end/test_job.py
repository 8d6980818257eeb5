"""One job, from the command line to what it leaves, measured again without fairkd."""

import numpy as np
import pytest
import torch
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    equalized_odds_difference,
    selection_rate,
    true_positive_rate,
)
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from fairkd.data.arrests import load_arrests
from fairkd.data.tabular import TabularPreparation


def test_a_job_leaves_one_finished_run_and_its_folder(fairkd, place) -> None:
    ended = fairkd("tracking.figures=auto")
    assert ended.code == 0
    run = place.run()
    assert (run.status, run.name) == ("FINISHED", "arrests·T4·w0.5·s0")

    assert run.params["distillation.temperature"] == "4.0"
    assert run.params["constraint.weight"] == "0.5"
    assert run.params["seed"] == run.params["data.seed"] == run.params["teacher.seed"] == "0"
    assert run.params["data.groups"] == "[colour,sex]"
    assert not {key for key in run.params if key.startswith(("paths", "tracking", "hydra"))}

    assert run.tags["fairkd.job_key"] == place.kept("job")[0]
    assert run.tags["fairkd.teacher_key"] == place.kept("teacher")[0]
    assert run.tags["fairkd.data"] == "arrests"
    assert run.output.is_relative_to(place.folder / "outputs")
    assert {"fairkd.configuration_key", "fairkd.host"} <= set(run.tags)

    for model in ("teacher", "control", "student"):
        assert f"test/{model}/accuracy" in run.metrics
        assert f"test/{model}/selection_rate/colour.black" in run.metrics
        assert f"groups/colour.{model}.csv" in run.files()
    assert {"test/accuracy", "test/disparity", "test/transfer/fidelity"} <= set(run.metrics)
    epochs = place.ask(
        "select step from metrics where run_uuid = ? and key = 'val/loss' order by step", run.run_id
    )
    assert epochs == [(0,), (1,)]
    assert {"student/student.safetensors", "record.json", "transfer/sex.csv"} <= run.files()
    assert {"scores/colour.teacher.csv", "privacy/sex.student.csv", "flipped.csv"} <= run.files()
    drawn = {"groups", "roc", "calibration", "scores", "training", "flips"}
    assert {f"figures/{name}.png" for name in drawn} <= run.files()
    assert "test/control/membership_auc/sex.male" in run.metrics
    inputs = place.ask(
        "select datasets.name from inputs join datasets on source_id = dataset_uuid "
        "where destination_id = ?",
        run.run_id,
    )
    assert set(inputs) == {("arrests",)}

    left = {path.name for path in run.output.iterdir()}
    assert "figures" in left
    assert {"student.safetensors", "student.ckpt", "preparation", "fairkd.log", ".hydra"} <= left
    assert run.run_id in ended.out
    assert str(run.output) in ended.out
    assert "Traceback" not in ended.err
    assert "Warning" not in ended.err


def test_test_metrics_are_those_of_the_stored_student_on_the_raw_rows(fairkd, place) -> None:
    """Weights and preparation from the run, rows from the source, everything else by hand."""
    assert fairkd("student.hidden=[8]", "data.seed=3").code == 0
    run = place.run()
    rows = load_arrests(groups=["colour", "sex"], seed=3).raw["test"]
    preparation = TabularPreparation.load(run.artifacts / "student" / "preparation")
    weights = {name: value.double().numpy() for name, value in run.weights().items()}
    x = preparation.transform(rows).astype(np.float64)
    hidden = np.maximum(x @ weights["hidden1.0.weight"].T + weights["hidden1.0.bias"], 0)
    logits = hidden @ weights["head.weight"].T + weights["head.bias"]
    probability = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    y = (rows["released"] == "Yes").to_numpy().astype(int)
    decided = (probability >= 0.5).astype(int)

    found = run.metrics
    assert found["test/student/accuracy"] == pytest.approx(accuracy_score(y, decided), abs=1e-9)
    assert found["test/accuracy"] == found["test/student/accuracy"]
    # Rows that tie in the model's float32 may differ in float64.
    assert found["test/student/auc"] == pytest.approx(roc_auc_score(y, probability), abs=1e-4)
    assert found["test/student/log_loss"] == pytest.approx(log_loss(y, probability), abs=1e-5)
    for block in ("colour", "sex"):
        groups = rows[block].str.lower()
        frame = MetricFrame(
            metrics={
                "selection_rate": selection_rate,
                "true_positive_rate": true_positive_rate,
                "accuracy": accuracy_score,
            },
            y_true=y,
            y_pred=decided,
            sensitive_features=groups,
        )
        for name, values in frame.by_group.items():
            for cell, value in values.items():
                metric = f"test/student/{name}/{block}.{cell}"
                assert found[metric] == pytest.approx(value, abs=1e-9), metric
        for name, function in (
            ("demographic_parity_difference", demographic_parity_difference),
            ("equalized_odds_difference", equalized_odds_difference),
        ):
            expected = function(y, decided, sensitive_features=groups)
            metric = f"test/student/{name}/{block}"
            assert found[metric] == pytest.approx(expected, abs=1e-9), metric
    assert found["test/disparity"] == found["test/student/demographic_parity_difference/colour"]


@pytest.mark.slow
def test_a_job_without_tracking(fairkd, place) -> None:
    ended = fairkd("tracking=none")
    assert ended.code == 0
    assert "not tracked (tracking=none)" in ended.out
    assert place.runs() == []
    assert len(place.kept("job")) == 1
    (student,) = (place.folder / "outputs").rglob("student.safetensors")
    assert student.stat().st_size > 0


def test_dry_run_says_what_would_be_done_and_writes_nothing(fairkd, place) -> None:
    before = {path: path.stat().st_mtime_ns for path in place.folder.rglob("*")}
    ended = fairkd("dry_run=true")
    assert (ended.code, ended.err) == (0, "")
    for model in ("teacher", "control", "student"):
        assert f"  {model}: would be trained, 2 epochs at most, no estimate yet (" in ended.out
    assert {path: path.stat().st_mtime_ns for path in place.folder.rglob("*")} == before

    assert fairkd().code == 0
    again = fairkd("dry_run=true", "distillation.temperature=2")
    assert "  teacher: would be reused (" in again.out
    assert "  control: would be reused (" in again.out
    assert "  student: would be trained, 2 epochs at most, roughly " in again.out
    assert "everything is in the store" in fairkd("dry_run=true").out
    assert len(place.runs()) == 1


def test_dry_run_refuses_what_the_job_would_refuse(fairkd, place) -> None:
    ended = fairkd("dry_run=true", "distillation=hint", "distillation.terms.hint.student_layer=x")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("Unknown layer of the student in distillation.terms.hint 'x'")


@pytest.mark.slow
def test_parity_by_one_block_and_equal_opportunity_by_another(fairkd, place) -> None:
    ended = fairkd(
        "constraint=[demographic_parity,equal_opportunity]",
        "constraint.terms.equal_opportunity.by=sex",
        "constraint.terms.demographic_parity.weight=2",
    )
    assert ended.code == 0
    run = place.run()
    assert {"train/demographic_parity", "train/equal_opportunity"} <= set(run.metrics)
    student = "test/student/demographic_parity_difference/colour"
    assert run.metrics["test/disparity"] == run.metrics[student]
    expected = (
        0.1 * run.metrics["val/labels"]
        + 0.9 * run.metrics["val/soft_targets"]
        + 2 * run.metrics["val/demographic_parity"]
        + 0.5 * run.metrics["val/equal_opportunity"]
    )
    assert run.metrics["val/loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_two_distillation_terms(fairkd, place) -> None:
    assert fairkd("distillation=[soft_targets,hint]", "constraint=none").code == 0
    run = place.run()
    expected = (
        0.1 * run.metrics["val/labels"]
        + 0.9 * run.metrics["val/soft_targets"]
        + 1.0 * run.metrics["val/hint"]
    )
    assert run.metrics["val/loss"] == pytest.approx(expected, rel=1e-5)
    assert not any("projection" in name for name in run.weights())


@pytest.mark.slow
def test_a_student_that_starts_from_its_teacher_and_is_pulled_back(fairkd, place) -> None:
    sizes = ("student.hidden=[32,32]", "teacher.model.dropout=0", "constraint=none")
    assert fairkd("distillation.init=teacher", "distillation.init_pull=1000", *sizes).code == 0
    run = place.run()
    (teacher_key,) = place.kept("teacher")
    teacher = place.store.get("teacher", teacher_key)
    assert teacher is not None
    for name, value in teacher.tensors().items():
        assert torch.allclose(run.weights()[name], value, atol=0.02), name
    assert run.metrics["test/transfer/fidelity"] > 0.95
    assert "val/pull_to_start" in run.metrics


def test_nothing_distilled_and_nothing_constrained_is_the_control(fairkd, place) -> None:
    assert fairkd("distillation=none", "constraint=none").code == 0
    (control_key,) = place.kept("control")
    control = place.store.get("control", control_key)
    assert control is not None
    for name, value in control.tensors().items():
        assert torch.equal(place.run().weights()[name], value), name
    metrics = place.run().metrics
    assert metrics["test/transfer/demographic_parity_difference_change_from_control/colour"] == 0


@pytest.mark.slow
def test_linear_teacher_and_student(fairkd, place) -> None:
    words = ("teacher=linear", "student=linear")
    assert fairkd(*words).code == 0
    assert set(place.run().weights()) == {"head.weight", "head.bias"}


@pytest.mark.slow
def test_three_classes(fairkd, place) -> None:
    ended = fairkd("data=iris", "constraint=accuracy_parity")
    assert ended.code == 0
    assert "most likely class" in ended.out
    assert place.run().metrics["test/student/accuracy"] <= 1


def test_its_folder_says_what_it_says_after_hydras_own_start(fairkd, place) -> None:
    words = ("tracking=none", "distillation.temperature=2")
    said = []
    for flags, folder in (((), "plain"), (("--run",), "by_flag")):  # Hydra starts what has a flag
        ended = fairkd(*flags, *words, f"hydra.run.dir={folder}")
        assert ended.code == 0, ended.err
        files = {
            path.name: path.read_text() for path in (place.folder / folder / ".hydra").iterdir()
        }
        said.append({name: text.replace(folder, "folder") for name, text in files.items()})
        assert "test accuracy" in (place.folder / folder / "fairkd.log").read_text()
    ours, hydras = said
    assert set(ours) == {"config.yaml", "hydra.yaml", "overrides.yaml"}
    hydras["hydra.yaml"] = hydras["hydra.yaml"].replace("    - hydra.mode=RUN\n", "")
    assert ours == hydras
