import numpy as np
import pytest
import torch
from scipy.stats import pearsonr

from fairkd.distillation.correlation import Correlation, correlation, pearson
from fairkd.errors import ConfigError
from fairkd.models.features import ModelOutputs


@pytest.mark.parametrize("classes", [3, 10])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_both_parts_equal_scipys_correlations(pair, classes, temperature):
    p = pair(rows=8, classes=classes)
    between, within = correlation(p.student.logits, p.teacher.logits, temperature)
    ours, theirs = (
        (z / temperature).softmax(-1).numpy() for z in (p.student.logits, p.teacher.logits)
    )
    rows = [1 - pearsonr(ours[i], theirs[i]).statistic for i in range(8)]
    columns = [1 - pearsonr(ours[:, c], theirs[:, c]).statistic for c in range(classes)]
    np.testing.assert_allclose(between, rows, rtol=1e-9)
    assert float(within) == pytest.approx(np.mean(columns), rel=1e-9)


def test_what_does_not_vary_correlates_with_nothing():
    flat, slope = torch.ones(1, 4), torch.arange(4.0)[None]
    assert float(pearson(flat, slope, -1)) == 0


def test_equal_models_cost_nothing_and_the_term_weighs_its_parts(pair):
    p = pair(rows=8, classes=4)
    between, within = correlation(p.student.logits, p.teacher.logits, 2.0)
    term = p.connect(Correlation(between_classes=3.0, within_classes=0.5, temperature=2.0))
    torch.testing.assert_close(p.value(term), 4 * (3 * between + 0.5 * within))
    p.student = p.teacher
    torch.testing.assert_close(p.value(term), torch.zeros(8).double(), rtol=0, atol=1e-9)


def test_gradients_are_right(pair):
    p = pair(rows=5, classes=3)
    term = p.connect(Correlation())
    assert torch.autograd.gradcheck(
        lambda z: term(ModelOutputs(z, {}), p.teacher, p.batch, torch.tensor(0.0)),
        (p.student.logits.requires_grad_(),),
    )


def test_the_students_scale_does_not_matter_between_classes():
    # Probabilities that are an affine function of the teacher's correlate fully with them.
    teacher = torch.tensor([[0.7, 0.2, 0.1]]).double()
    student = 0.5 * teacher + 0.5 / 3
    between, _ = correlation(student.log(), teacher.log(), 1.0)
    assert float(between) == pytest.approx(0, abs=1e-12)


def test_two_classes_are_refused_unless_that_part_is_off(pair):
    p = pair(classes=2)
    between, _ = correlation(p.student.logits, p.teacher.logits, 1.0)
    either = torch.minimum(between, 2 - between)
    torch.testing.assert_close(either, torch.zeros(6).double(), rtol=0, atol=1e-9)
    with pytest.raises(ConfigError) as refused:
        p.connect(Correlation())
    assert str(refused.value) == (
        "distillation=correlation compares the order of a row's classes, which is 1 or -1 and has "
        "no gradient with two classes; set distillation.terms.correlation.between_classes=0, or "
        "use distillation=soft_targets."
    )
    assert p.value(p.connect(Correlation(between_classes=0.0))).isfinite().all()
