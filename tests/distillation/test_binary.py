import math

import pytest
import torch
import torch.nn.functional as F

from fairkd.distillation.binary import PerClassBinary, per_class_binary
from fairkd.distillation.response import (
    SquaredLogits,
    TeacherCrossEntropy,
    squared_logits,
    teacher_cross_entropy,
)
from fairkd.models.features import ModelOutputs


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_every_class_is_held_against_the_rest(pair, classes):
    p = pair(classes=classes)
    target = p.teacher.logits.softmax(-1)
    expected = []
    for logits, row in zip(p.student.logits.tolist(), target.tolist(), strict=True):
        total = sum(math.exp(z) for z in logits)
        probabilities = [math.exp(z) / total for z in logits]
        expected.append(
            -sum(
                y * math.log(q) + (1 - y) * math.log(1 - q)
                for y, q in zip(row, probabilities, strict=True)
            )
        )
    found = per_class_binary(p.student.logits, target)
    torch.testing.assert_close(
        found, torch.tensor(expected, dtype=torch.float64), rtol=1e-10, atol=0
    )


def test_of_two_classes_it_is_twice_the_cross_entropy(pair):
    p = pair(classes=2)
    found = per_class_binary(p.student.logits, F.one_hot(p.batch.y, 2).double())
    torch.testing.assert_close(
        found, 2 * F.cross_entropy(p.student.logits, p.batch.y, reduction="none")
    )


def test_it_is_smallest_at_the_target_and_finite_where_the_student_is_certain(pair):
    p = pair(classes=3)
    target = p.teacher.logits.softmax(-1)
    logits = p.teacher.logits.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(per_class_binary(logits, target).sum(), logits)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-12)
    certain = torch.tensor([[100.0, 0.0, 0.0]], requires_grad=True)
    value = per_class_binary(certain, torch.tensor([[0.0, 1.0, 0.0]]))
    assert float(value.detach()) == pytest.approx(200 - math.log(2), rel=1e-5)
    assert torch.autograd.grad(value.sum(), certain)[0].isfinite().all()


def test_the_term_is_labels_plus_teacher(pair):
    p = pair(classes=4)
    labels = per_class_binary(p.student.logits, F.one_hot(p.batch.y, 4).double())
    teacher = per_class_binary(p.student.logits, p.teacher.logits.softmax(-1))
    term = p.connect(PerClassBinary(labels=0.5, teacher=3.0))
    torch.testing.assert_close(p.value(term), 0.5 * labels + 3 * teacher)
    soft = p.batch._replace(y=F.one_hot(p.batch.y, 4).double())
    given_soft = term(p.student, p.teacher, soft, torch.tensor(0.0))
    torch.testing.assert_close(given_soft, p.value(term))


def test_squared_logits_by_a_loop_and_their_gradient(pair):
    p = pair(classes=5)
    expected = [
        sum((a - b) ** 2 for a, b in zip(s, t, strict=True)) / 5
        for s, t in zip(p.student.logits.tolist(), p.teacher.logits.tolist(), strict=True)
    ]
    found = squared_logits(p.student.logits, p.teacher.logits)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))
    torch.testing.assert_close(p.value(p.connect(SquaredLogits(1.0))), found)
    assert torch.autograd.gradcheck(
        lambda z: squared_logits(z, p.teacher.logits), (p.student.logits.requires_grad_(),)
    )


def test_teacher_labels_are_torchs_cross_entropy_with_probabilities(pair):
    p = pair(classes=5)
    expected = F.cross_entropy(p.student.logits, p.teacher.logits.softmax(-1), reduction="none")
    torch.testing.assert_close(teacher_cross_entropy(p.student.logits, p.teacher.logits), expected)
    torch.testing.assert_close(p.value(p.connect(TeacherCrossEntropy(1.0))), expected)
    same = p.teacher.logits.clone().requires_grad_()
    value = p.connect(TeacherCrossEntropy(1.0))(
        ModelOutputs(same, {}), p.teacher, p.batch, torch.tensor(0.0)
    )
    (gradient,) = torch.autograd.grad(value.sum(), same)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-13)
