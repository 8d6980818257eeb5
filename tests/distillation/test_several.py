import numpy as np
import pytest
import torch

from fairkd.distillation.response import soft_targets
from fairkd.distillation.several import GradientAware, gradient_aware
from fairkd.errors import ConfigError
from fairkd.models.features import ModelOutputs


def _outputs(pair, classes=3):
    p = pair(rows=5, classes=classes)
    features = {f"members.{name}": 2 * p.draw(classes) for name in "abc"}
    p.teacher = ModelOutputs(p.teacher.logits, features)
    return p


@pytest.mark.parametrize("classes", [3, 4])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_weights_come_from_the_gradients_that_autograd_finds(pair, classes, temperature):
    p = _outputs(pair, classes)
    a, b, biased = p.teacher.features.values()
    units = []
    for teacher in (a, b, biased):
        z = p.student.logits.clone().requires_grad_()
        (g,) = torch.autograd.grad(soft_targets(z, teacher, temperature).sum(), z)
        units.append((g / g.norm(dim=1, keepdim=True)).numpy())
    expected = []
    for row in range(5):
        weights = [1 - float(units[t][row] @ units[2][row]) for t in range(2)]
        kl = [float(soft_targets(p.student.logits, t, temperature)[row]) for t in (a, b)]
        expected.append(sum(w * k for w, k in zip(weights, kl, strict=True)) / sum(weights))
    found = gradient_aware(p.student.logits, [a, b], biased, temperature)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_of_two_classes_those_count_that_pull_the_other_way():
    student, up, down = (torch.tensor([[0.0, z]]).double() for z in (0.0, 1.0, -2.0))
    torch.testing.assert_close(
        gradient_aware(student, [up, down], up, 1.0), soft_targets(student, down, 1.0)
    )


def test_a_teacher_like_the_biased_one_does_not_count(pair):
    p = _outputs(pair)
    a, _, biased = p.teacher.features.values()
    found = gradient_aware(p.student.logits, [a, biased], biased, 2.0)
    torch.testing.assert_close(found, soft_targets(p.student.logits, a, 2.0), rtol=1e-9, atol=0)
    alone = gradient_aware(p.student.logits, [biased], biased, 2.0)
    torch.testing.assert_close(alone, soft_targets(p.student.logits, biased, 2.0))


def test_the_order_of_teachers_does_not_matter_and_equal_models_cost_nothing(pair):
    p = _outputs(pair)
    a, b, biased = p.teacher.features.values()
    torch.testing.assert_close(
        gradient_aware(p.student.logits, [a, b], biased, 2.0),
        gradient_aware(p.student.logits, [b, a], biased, 2.0),
    )
    same = a.clone().requires_grad_()
    value = gradient_aware(same, [a, a], biased, 2.0)
    torch.testing.assert_close(value, torch.zeros(5).double(), rtol=0, atol=1e-14)
    assert torch.autograd.grad(value.sum(), same)[0].abs().max() < 1e-12


def test_the_term_reads_the_members_it_names(pair):
    p = _outputs(pair)
    term = p.connect(GradientAware(["members.b"], "members.a", temperature=2.0))
    assert term.teacher_features == ("members.b", "members.a")
    expected = 4 * soft_targets(p.student.logits, p.teacher.features["members.b"], 2.0)
    torch.testing.assert_close(p.value(term), expected)
    with pytest.raises(ConfigError, match="the number of teachers=0 is out of range"):
        GradientAware([], "members.a")


@pytest.mark.parametrize("classes", [2, 5])
def test_in_single_precision_no_weight_is_rounded_away(classes):
    # Unit vectors of equal direction have a product of 1, give or take a rounding.
    g = torch.Generator().manual_seed(0)
    student, a, b, biased = (2 * torch.randn(20_000, classes, generator=g) for _ in range(4))
    for teachers in ([a, b], [biased, biased + 1e-3]):
        found = gradient_aware(student, teachers, biased, 4.0)
        divergences = torch.stack([soft_targets(student, of, 4.0) for of in teachers])
        assert found.isfinite().all()
        assert (found <= divergences.amax(0) + 1e-5).all()
        assert (found >= divergences.amin(0) - 1e-5).all()
