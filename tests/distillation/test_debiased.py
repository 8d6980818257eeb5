import math

import pytest
import torch
import torch.nn.functional as F

from fairkd.distillation.debiased import DebiasedHint, EarlyReadout, early_weights
from fairkd.distillation.feature import Hint
from fairkd.distillation.response import soft_targets
from fairkd.errors import ConfigError


@pytest.mark.parametrize("classes", [2, 5])
def test_rows_weigh_more_the_surer_they_are_wrong(pair, classes):
    p = pair(rows=12, classes=classes)
    found = early_weights(p.student.logits, p.batch.y, 3.0, 2.0)
    for row, y, weight in zip(
        p.student.logits.softmax(-1).tolist(), p.batch.y.tolist(), found.tolist(), strict=True
    ):
        first, second, *_ = sorted(row, reverse=True)
        wrong = row.index(first) != y
        expected = math.exp(3 * (first - second) ** 2) if wrong else 1.0
        assert weight == pytest.approx(expected)


def test_the_early_readout_weighs_both_losses_and_learns_by_itself(pair):
    p = pair(rows=10, classes=3).with_features((4,), (2,))
    term = p.connect(EarlyReadout(alpha=0.6, temperature=2.0, student_layer="f"))
    read = p.student.features["f"] @ term.readout.weight.T + term.readout.bias
    weights = early_weights(read, p.batch.y, 3.0, 6.0).detach()
    assert weights.max() > 1
    divergence = 4 * soft_targets(p.student.logits, p.teacher.logits, 2.0)
    labels = F.cross_entropy(p.student.logits, p.batch.y, reduction="none")
    readout = F.cross_entropy(read, p.batch.y, reduction="none")
    expected = weights * (0.4 * labels + 0.6 * divergence) + readout
    torch.testing.assert_close(p.value(term), expected)


def test_the_readout_does_not_touch_the_student(pair):
    p = pair(rows=10).with_features((4, 2, 2), (2,))
    feature = p.student.features["f"].requires_grad_()
    term = p.connect(EarlyReadout(student_layer="f"))
    found = torch.autograd.grad(
        p.value(term).sum(), [feature, term.readout.weight], allow_unused=True
    )
    assert found[0] is None
    assert found[1].abs().sum() > 0


def test_hints_count_more_where_the_teacher_errs(pair):
    p = pair(rows=10).with_features((4,), (3,))
    debiased, plain = (p.connect(kind(1.0, "f", "f"), seed=5) for kind in (DebiasedHint, Hint))
    wrong = p.teacher.logits.argmax(1) != p.batch.y
    assert 0 < wrong.sum() < 10
    expected = p.value(plain) * torch.where(wrong, 20.0, 1.0)
    torch.testing.assert_close(p.value(debiased), expected)
    with pytest.raises(ConfigError, match=r"upweight=0\.5 is out of range"):
        DebiasedHint(upweight=0.5)
