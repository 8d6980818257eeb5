import numpy as np
import pytest
import torch

from fairkd.distillation.response import soft_targets
from fairkd.distillation.standardised import StandardisedLogits, standardised
from fairkd.errors import ConfigError
from fairkd.models.features import ModelOutputs


def test_rows_have_mean_0_and_unbiased_deviation_1(pair):
    z = pair(classes=5).student.logits
    found = standardised(z).numpy()
    expected = (z.numpy() - z.numpy().mean(1, keepdims=True)) / z.numpy().std(
        1, ddof=1, keepdims=True
    )
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_students_shift_and_scale_do_not_matter(pair):
    p = pair(classes=4)
    term = p.connect(StandardisedLogits())
    before = p.value(term)
    p.student = ModelOutputs(7 * p.student.logits + 3, {})
    torch.testing.assert_close(p.value(term), before, rtol=1e-5, atol=1e-8)


def test_it_is_soft_targets_on_standardised_logits(pair):
    p = pair(classes=4)
    ours, theirs = standardised(p.student.logits), standardised(p.teacher.logits)
    expected = 4 * soft_targets(ours, theirs, 2.0)
    torch.testing.assert_close(p.value(p.connect(StandardisedLogits())), expected)


def test_gradients_are_right_and_vanish_between_equal_models(pair):
    p = pair(classes=4)
    term = p.connect(StandardisedLogits())

    def of(logits):
        return term(ModelOutputs(logits, {}), p.teacher, p.batch, torch.tensor(0.0))

    assert torch.autograd.gradcheck(of, (p.student.logits.requires_grad_(),))
    same = p.teacher.logits.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(of(same).sum(), same)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-12)


def test_two_classes_are_always_the_same_pair_and_refused(pair):
    p = pair(classes=2)
    size = standardised(p.student.logits).abs()
    torch.testing.assert_close(size, torch.full_like(size, 0.5**0.5), rtol=1e-5, atol=0)
    with pytest.raises(ConfigError) as refused:
        p.connect(StandardisedLogits())
    assert str(refused.value) == (
        "distillation=standardised_logits leaves nothing of the logits but which is larger with "
        "two classes; use distillation=soft_targets."
    )
