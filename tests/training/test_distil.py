from dataclasses import replace

import pytest
import torch
from torch import nn

from fairkd.errors import ConfigError
from fairkd.models.mlp import MLP
from fairkd.training.distil import (
    Distillation,
    assemble_student,
    train_on_labels,
    train_student,
)
from fairkd.training.objective import Objective


def _same(one: nn.Module, other: nn.Module) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in one.state_dict().items())


def test_a_student_without_terms_and_constraints_is_the_control_bit_for_bit(
    dataset, recipe, teacher, teacher_outputs
):
    made = recipe(max_epochs=4, dropout=0.2, hidden=(8, 6))
    control = train_on_labels(made, dataset)
    plain = Distillation(objective=lambda start: Objective())
    student = train_student(made, plain, teacher, teacher_outputs, dataset)
    assert _same(student.model, control.model)
    assert student.fitted == control.fitted


@pytest.mark.parametrize("seed", [0, 3])
def test_student_and_control_start_from_equal_weights(recipe, dataset, distillation, teacher, seed):
    made = recipe(seed=seed)
    student, objective = assemble_student(made, distillation(), teacher, dataset)
    assert _same(student, made.initial())
    assert objective.get_parameter("terms.hint.projections.0.weight").shape == (10, 8)
    assert student.training
    assert not _same(recipe(seed=seed + 1).initial(), student)


def test_projections_differ_by_seed_and_leave_the_global_generator(
    recipe, dataset, distillation, teacher
):
    before = torch.get_rng_state()
    weights = [
        assemble_student(recipe(seed=seed), distillation(), teacher, dataset)[1].get_parameter(
            "terms.hint.projections.0.weight"
        )
        for seed in (0, 0, 1)
    ]
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_the_projection_is_trained_beside_the_student(
    recipe, dataset, distillation, teacher, teacher_outputs
):
    kept: list[Objective] = []
    made = distillation()

    def objective(start):
        kept.append(made.objective(start))
        return kept[-1]

    seeded = recipe()
    _, fresh = assemble_student(seeded, made, teacher, dataset)
    train_student(seeded, replace(made, objective=objective), teacher, teacher_outputs, dataset)
    name = "terms.hint.projections.0.weight"
    assert not torch.equal(kept[0].get_parameter(name), fresh.get_parameter(name))


def test_a_start_from_the_teacher_is_pulled_back_to_it(
    recipe, dataset, distillation, teacher, teacher_outputs
):
    made = recipe(hidden=(12, 10), lr=0.01, max_epochs=5)
    distances = []
    for pull in (0.0, 10.0):
        pulled = distillation(from_teacher=True, pull=pull)
        start, _ = assemble_student(made, pulled, teacher, dataset)
        assert _same(start, teacher)
        student = train_student(made, pulled, teacher, teacher_outputs, dataset).model
        theirs = dict(teacher.named_parameters())
        distances.append(
            sum(
                float((p - theirs[n]).detach().square().sum())
                for n, p in student.named_parameters()
            )
        )
    assert 0 < distances[1] < 0.1 * distances[0]


def test_an_unknown_layer_is_refused_before_anything_trains(recipe, dataset, distillation, teacher):
    with pytest.raises(ConfigError) as refused:
        assemble_student(recipe(), distillation(), MLP(4, 2, (5,)), dataset)
    assert str(refused.value) == (
        "Unknown layer of MLP 'hidden2'; did you mean 'hidden1'? Accepted: hidden1."
    )
