import math

import pytest
import torch

from fairkd.distillation.decoupled import Decoupled, decoupled
from fairkd.distillation.response import soft_targets
from fairkd.errors import ConfigError
from fairkd.models.features import ModelOutputs


def _by_hand(student, teacher, y, temperature):
    """Both parts of one row, as the paper writes them."""
    p_s, p_t = (
        [math.exp(z / temperature) / sum(math.exp(o / temperature) for o in row) for z in row]
        for row in (student, teacher)
    )
    target = p_t[y] * math.log(p_t[y] / p_s[y]) + (1 - p_t[y]) * math.log(
        (1 - p_t[y]) / (1 - p_s[y])
    )
    others = [c for c in range(len(student)) if c != y]
    q_s, q_t = ({c: p[c] / (1 - p[y]) for c in others} for p in (p_s, p_t))
    return target, sum(q_t[c] * math.log(q_t[c] / q_s[c]) for c in others)


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_both_parts_equal_the_papers_definition(pair, classes, temperature):
    p = pair(classes=classes)
    found = decoupled(p.student.logits, p.teacher.logits, p.batch.y, temperature)
    expected = [
        _by_hand(s, t, y, temperature)
        for s, t, y in zip(
            p.student.logits.tolist(), p.teacher.logits.tolist(), p.batch.y.tolist(), strict=True
        )
    ]
    torch.testing.assert_close(
        torch.stack(found, 1), torch.tensor(expected, dtype=torch.float64), rtol=1e-10, atol=1e-13
    )


def test_the_parts_make_up_the_softened_divergence(pair):
    p = pair(classes=5)
    target, others = decoupled(p.student.logits, p.teacher.logits, p.batch.y, 4.0)
    p_t = (p.teacher.logits / 4.0).softmax(-1)[torch.arange(6), p.batch.y]
    whole = soft_targets(p.student.logits, p.teacher.logits, 4.0)
    torch.testing.assert_close(target + (1 - p_t) * others, whole, rtol=1e-10, atol=1e-14)


def test_the_term_weighs_its_parts_and_scales_by_the_temperature_squared(pair):
    p = pair(classes=4)
    target, others = decoupled(p.student.logits, p.teacher.logits, p.batch.y, 3.0)
    term = p.connect(Decoupled(target=2.0, non_target=0.5, temperature=3.0))
    torch.testing.assert_close(p.value(term), 9 * (2 * target + 0.5 * others))


def test_gradients_are_right_and_vanish_between_equal_models(pair):
    p = pair(classes=4)
    term = p.connect(Decoupled())

    def of(logits):
        return term(ModelOutputs(logits, {}), p.teacher, p.batch, torch.tensor(0.0))

    assert torch.autograd.gradcheck(of, (p.student.logits.requires_grad_(),))
    same = p.teacher.logits.clone().requires_grad_()
    value = of(same)
    torch.testing.assert_close(value, torch.zeros(6).double(), rtol=0, atol=1e-13)
    (gradient,) = torch.autograd.grad(value.sum(), same)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-12)


def test_a_shift_of_a_rows_logits_changes_nothing(pair):
    p = pair(classes=4)
    term = p.connect(Decoupled())
    before = p.value(term)
    p.student = ModelOutputs(p.student.logits + torch.arange(6.0)[:, None], {})
    torch.testing.assert_close(p.value(term), before, rtol=1e-9, atol=1e-12)


def test_of_two_classes_the_second_part_has_no_value_and_no_gradient_and_is_refused(pair):
    p = pair(classes=2)
    logits = p.student.logits.requires_grad_()
    _, others = decoupled(logits, p.teacher.logits, p.batch.y, 1.0)
    assert torch.equal(others, torch.zeros(6).double())
    (gradient,) = torch.autograd.grad(others.sum(), logits)
    assert torch.equal(gradient, torch.zeros_like(gradient))
    with pytest.raises(ConfigError) as refused:
        p.connect(Decoupled())
    assert str(refused.value) == (
        "distillation=decoupled compares the classes beside the label's, and there is nothing to "
        "compare with two classes; use distillation=soft_targets, or set "
        "distillation.terms.decoupled.non_target=0."
    )
    p.connect(Decoupled(non_target=0.0))


def test_huge_logits_stay_finite(pair):
    logits = torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]], requires_grad=True)
    teacher = torch.tensor([[-1e4, 1e4, 0.0], [-1e4, 1e4, 0.0]])
    target, others = decoupled(logits, teacher, torch.tensor([0, 1]), 4.0)
    (gradient,) = torch.autograd.grad((target + others).sum(), logits)
    assert target.isfinite().all()
    assert others.isfinite().all()
    assert gradient.isfinite().all()
