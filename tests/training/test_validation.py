"""Validation of a module while it trains, against the whole split judged at once."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    equal_opportunity_difference,
    equalized_odds_difference,
)
from sklearn.metrics import accuracy_score

from fairkd.training.distil import train_on_labels, train_student
from fairkd.training.inference import outputs_on
from fairkd.training.validation import ValidationMetrics


def _calibration_error(probability: np.ndarray, y: np.ndarray) -> float:
    """Row by row: each in one of 15 bins, then the bins' gaps weighted by their rows."""
    bins: dict[int, list[tuple[float, int]]] = {}
    for p, label in zip(probability.tolist(), y.tolist(), strict=True):
        bins.setdefault(min(int(p * 15), 14), []).append((p, label))
    return sum(
        abs(sum(p for p, _ in rows) - sum(label for _, label in rows)) for rows in bins.values()
    ) / len(y)


@pytest.mark.parametrize("rows_at_a_time", [7, 1, 16_384])
def test_metrics_are_those_of_the_whole_split(dataset, recipe, rows_at_a_time):
    made = recipe(max_epochs=3, evaluation_batch_size=rows_at_a_time)
    trained = train_on_labels(made, dataset)
    assert trained.fitted.best_epoch == 2  # earlier epochs, with other weights, left no trace
    row, validation = trained.fitted.history[2], dataset.splits["validation"]
    if rows_at_a_time < 16_384:
        first = validation.group[:rows_at_a_time]
        assert (first.sum(0) == 0).any()  # a batch without a group
    logits = outputs_on(trained.model, validation).logits
    y, predicted = validation.y.numpy(), logits.argmax(1).numpy()
    probability = logits.softmax(1)[:, 1].double().numpy()
    assert row["val/loss"] == pytest.approx(float(F.cross_entropy(logits, validation.y)), rel=1e-6)
    assert row["val/accuracy"] == pytest.approx(accuracy_score(y, predicted), rel=1e-12)
    assert row["val/ece"] == pytest.approx(_calibration_error(probability, y), rel=1e-6)
    for block in dataset.blocks:
        members = block.of(validation.group)
        known = (members.sum(1) > 0).numpy()
        cell = members.argmax(1).numpy()[known]
        of = {"y_true": y[known], "y_pred": predicted[known], "sensitive_features": cell}
        accuracy = MetricFrame(metrics=accuracy_score, **of)
        expected = {
            "demographic_parity_difference": demographic_parity_difference(**of),
            "equal_opportunity_difference": equal_opportunity_difference(**of),
            "equalized_odds_difference": equalized_odds_difference(**of),
            "accuracy_difference": accuracy.difference(),
            "worst_group_accuracy": accuracy.group_min(),
        }
        for name, value in expected.items():
            assert row[f"val/{name}/{block.name}"] == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("rows_at_a_time", [7, 16_384])
def test_the_objective_is_that_of_the_whole_split_and_ignores_the_start_epoch(
    dataset, recipe, distillation, teacher, teacher_outputs, rows_at_a_time
):
    # Distillation counts from epoch 5 on, so these two epochs train on labels alone.
    late = distillation(start_epoch=5)
    made = recipe(max_epochs=2, lr=0.0, sgd=True, evaluation_batch_size=rows_at_a_time)
    row = train_student(made, late, teacher, teacher_outputs, dataset).fitted.history[0]
    terms = {name: row[f"val/{name}"] for name in ("labels", "soft_targets", "hint", "parity")}
    weights = {"labels": 0.3, "soft_targets": 0.7, "hint": 0.5, "parity": 0.5}
    assert row["val/loss"] == pytest.approx(sum(weights[n] * terms[n] for n in terms), rel=1e-6)

    model, validation = made.initial(), dataset.splits["validation"]
    logits = outputs_on(model, validation).logits
    soft = logits.softmax(1)[:, 1]
    of_sex = [soft[validation.group[:, g] == 1].mean() for g in (0, 1)]
    assert terms["parity"] == pytest.approx(abs(float(of_sex[0] - of_sex[1])), rel=1e-5)
    log_s, log_t = (F.log_softmax(z / 2, 1) for z in (logits, teacher_outputs["validation"].logits))
    kl = F.kl_div(log_s, log_t, reduction="batchmean", log_target=True)
    assert terms["soft_targets"] == pytest.approx(4 * float(kl), rel=1e-5)


def test_training_before_the_start_epoch_is_training_on_labels(
    dataset, recipe, distillation, teacher, teacher_outputs
):
    late = distillation(start_epoch=1)
    made = recipe(max_epochs=2, lr=0.0, sgd=True)
    before, after = train_student(made, late, teacher, teacher_outputs, dataset).fitted.history
    labels, parity = before["train/labels"], before["train/parity"]
    assert before["train/loss"] == pytest.approx(labels + 0.5 * parity, rel=1e-5)
    expected = 0.3 * after["train/labels"] + 0.7 * after["train/soft_targets"]
    expected += 0.5 * after["train/hint"] + 0.5 * after["train/parity"]
    assert after["train/loss"] == pytest.approx(expected, rel=1e-5)


def test_the_teachers_outputs_are_found_by_row(
    dataset, recipe, distillation, teacher, teacher_outputs
):
    # Equal models: only if every shuffled row meets its own outputs is the divergence zero.
    equal = distillation(from_teacher=True)
    made = recipe(hidden=(12, 10), max_epochs=1, lr=0.0, sgd=True, batch_size=13)
    row = train_student(made, equal, teacher, teacher_outputs, dataset).fitted.history[0]
    for stage in ("train", "val"):
        assert row[f"{stage}/soft_targets"] == pytest.approx(0.0, abs=1e-9)
        assert row[f"{stage}/labels"] > 0.1


def test_metrics_read_soft_labels_by_their_most_likely_class_and_start_anew(dataset):
    validation = dataset.splits["validation"]
    g = torch.Generator().manual_seed(0)
    logits = torch.randn(validation.size, 2, generator=g)
    soft = F.one_hot(validation.y, 2) * 0.6 + 0.2
    found = []
    metrics = ValidationMetrics(dataset.blocks, 2)
    for y in (validation.y, soft):
        metrics.update(logits, validation._replace(y=y))
        found.append(metrics.compute())
        metrics.reset()
    assert {k: float(v) for k, v in found[0].items()} == {k: float(v) for k, v in found[1].items()}


def test_metrics_of_a_split_without_positives_are_undefined_where_they_need_them(dataset):
    validation = dataset.splits["validation"]
    metrics = ValidationMetrics(dataset.blocks, 2)
    nobody = validation._replace(y=torch.zeros_like(validation.y))
    metrics.update(torch.randn(validation.size, 2), nobody)
    found = metrics.compute()
    assert found["equal_opportunity_difference/sex"].isnan()
    assert not found["demographic_parity_difference/sex"].isnan()


def test_three_classes_take_the_worst(dataset):
    validation = dataset.splits["validation"]
    g = torch.Generator().manual_seed(3)
    logits = torch.randn(validation.size, 3, generator=g)
    y = torch.randint(3, (validation.size,), generator=g)
    metrics = ValidationMetrics(dataset.blocks, 3)
    metrics.update(logits, validation._replace(y=y))
    found = metrics.compute()
    cell = validation.group[:, 2:].argmax(1).numpy()
    by_class = partial(demographic_parity_difference, sensitive_features=cell)
    gaps = [
        by_class(y_true=(y == k).numpy(), y_pred=(logits.argmax(1) == k).numpy()) for k in range(3)
    ]
    assert float(found["demographic_parity_difference/race"]) == pytest.approx(max(gaps), abs=1e-12)
