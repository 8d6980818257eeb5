"""Pruning with distillation while training goes on, and quantisation, of trained students."""

import copy
from dataclasses import replace

import pytest
import torch

from fairkd.errors import ConfigError
from fairkd.models.mlp import MLP
from fairkd.models.pruning import weight_sparsity
from fairkd.training.compress import Beside, Prune, Quantise
from fairkd.training.distil import train_student
from fairkd.training.inference import outputs_on


@pytest.fixture
def beside(recipe, distillation, teacher, teacher_outputs, dataset) -> Beside:
    return Beside(recipe(hidden=(16,)), distillation(), teacher, teacher_outputs, dataset)


@pytest.fixture
def student(beside):
    return train_student(
        beside.recipe, beside.distillation, beside.teacher, beside.outputs, beside.dataset
    ).model


def _state(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def _equal(one, other):
    return set(one) == set(other) and all(torch.equal(one[name], other[name]) for name in one)


def test_the_pruned_model_has_the_sparsity_and_the_student_stays(student, beside):
    before = _state(student)
    found = Prune(0.75, epochs=2).compress(student, beside)
    assert weight_sparsity(found.model) == pytest.approx(0.75, abs=0.01)
    assert _equal(_state(student), before)
    assert not found.model.training
    assert set(found.model.state_dict()) == set(before)
    assert [row["epoch"] for row in found.fitted.history] == [0.0, 1.0]
    assert found.steps == 2 * 3  # 90 rows in batches of 32


def test_training_moves_what_was_kept(student, beside):
    at_once = Prune(0.5, epochs=0).compress(student, beside).model
    trained = Prune(0.5, epochs=2).compress(student, beside).model
    for (name, one), other in zip(at_once.named_parameters(), trained.parameters(), strict=True):
        if "weight" in name:
            assert torch.equal(one == 0, other == 0)
            assert not torch.equal(one, other)


def test_it_learns_from_the_students_objective_or_from_labels(student, beside):
    first = Prune(0.5, epochs=1).compress(student, beside).fitted.history[0]
    assert {"train/soft_targets", "train/hint", "train/parity"} <= set(first)
    labels = Prune(0.5, epochs=1, teaches="labels").compress(student, beside).fitted.history[0]
    assert "train/labels" in labels
    assert "train/soft_targets" not in labels


def test_distillation_counts_although_it_began_late(student, beside, distillation):
    def total(start_epoch):
        late = distillation(start_epoch=start_epoch)
        again = Beside(beside.recipe, late, beside.teacher, beside.outputs, beside.dataset)
        return Prune(0.5, epochs=1).compress(student, again).fitted.history[0]["train/loss"]

    # The student's training had three epochs.
    assert total(0) == total(3)
    assert total(0) != total(4)


def test_rounds_rise_to_the_sparsity(student, beside):
    found = Prune(0.8, rounds=3, epochs=2).compress(student, beside)
    assert weight_sparsity(found.model) == pytest.approx(0.8, abs=0.01)
    assert [row["epoch"] for row in found.fitted.history] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert found.fitted.best_epoch in (4, 5)  # of the last round: only that is kept


def test_without_units_the_model_is_smaller_and_trains_on(student, beside):
    step = Prune(0.5, granularity="units", rounds=2, epochs=1)
    found = step.compress(student, beside)
    assert found.model.hidden1[0].out_features == 8
    again = step.restored(student, found.model.state_dict())
    x = beside.dataset.splits["test"].x
    assert torch.equal(again(x), found.model(x))


def test_the_same_step_gives_the_same_bits(student, beside):
    step = Prune(0.6, epochs=2)
    first, second = (step.compress(student, beside) for _ in range(2))
    assert _equal(_state(first.model), _state(second.model))
    assert first.fitted.history == second.fitted.history


def test_the_learning_rate_is_the_steps_own(student, beside):
    still = Prune(0.5, epochs=1, learning_rate=1e-12).compress(student, beside).model
    at_once = Prune(0.5, epochs=0).compress(student, beside).model
    for one, other in zip(still.parameters(), at_once.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-9)


@pytest.mark.parametrize("method", ["dynamic", "static"])
def test_a_quantised_student_decides_nearly_as_the_student(student, beside, method):
    found = Quantise(method).compress(student, beside)
    test = beside.dataset.splits["test"]
    ours, theirs = (outputs_on(model, test).logits for model in (found.model, student))
    assert float((ours - theirs).abs().max()) < 0.1 * float(theirs.abs().max())
    again = Quantise(method).restored(student, found.model.state_dict())
    assert torch.equal(outputs_on(again, test).logits, ours)
    assert found.fitted.history[0]["val/loss"] > 0


def test_sorted_rows_do_not_calibrate_on_one_of_their_ends(student, beside):
    train = beside.dataset.splits["train"]
    order = train.x[:, 0].argsort()
    splits = {**beside.dataset.splits, "train": train.rows(order)}
    by_value = replace(beside, dataset=replace(beside.dataset, splits=splits))
    few = Quantise("static", calibration_rows=20).compress(student, by_value)
    test = beside.dataset.splits["test"]
    ours, theirs = (outputs_on(model, test).logits for model in (few.model, student))
    assert float((ours - theirs).abs().max()) < 0.2 * float(theirs.abs().max())


def test_a_pruned_student_is_quantised(student, beside):
    pruned = Prune(0.5, granularity="units", epochs=1).compress(student, beside).model
    small = Quantise().compress(pruned, beside).model
    test = beside.dataset.splits["test"]
    ours, theirs = (outputs_on(model, test).logits for model in (small, pruned))
    assert float((ours - theirs).abs().max()) < 0.1 * float(theirs.abs().max())
    assert int(small.work[0]) == sum(p.numel() for p in pruned.parameters())


def test_what_could_not_be_compressed_is_refused_beforehand(dataset):
    class Odd(MLP):
        def forward(self, x):
            hidden = self.hidden1(x).view(len(x), 2, 4)
            return self.head(hidden.flatten(1))

    model = Odd(4, 2, (8,))
    before = copy.deepcopy(_state(model))
    with pytest.raises(ConfigError, match="units of Odd cannot be taken out"):
        Prune(0.5, granularity="units").check(model, dataset)
    Prune(0.5).check(model, dataset)
    assert _equal(_state(model), before)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Prune(0.0), "sparsity=0.0 is out of range"),
        (lambda: Prune(1.0), "sparsity=1.0 is out of range"),
        (lambda: Prune(0.5, granularity="layers"), "granularity=layers is not known"),
        (lambda: Prune(0.5, rounds=0), "rounds=0 is out of range"),
        (lambda: Prune(0.5, epochs=-1), "epochs=-1 is out of range"),
        (lambda: Prune(0.5, learning_rate=0.0), "learning_rate=0.0 is out of range"),
        (lambda: Prune(0.5, teaches="both"), "teaches=both is not known"),
        (lambda: Quantise("int4"), "method=int4 is not known"),
        (lambda: Quantise(calibration_rows=1), "calibration_rows=1 is out of range"),
    ],
)
def test_values_out_of_range_are_refused(make, sentence):
    with pytest.raises(ConfigError, match=sentence):
        make()
