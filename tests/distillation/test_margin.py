import pytest
import torch
import torch.nn.functional as F

from fairkd.distillation.margin import MarginWeighted, class_margins, margins
from fairkd.distillation.response import soft_targets


@pytest.mark.parametrize("classes", [2, 4])
def test_margins_are_the_labels_probability_over_the_likeliest_other(pair, classes):
    p = pair(rows=9, classes=classes)
    expected = []
    for row, y in zip(p.teacher.logits.softmax(-1).tolist(), p.batch.y.tolist(), strict=True):
        expected.append(row[y] - max(v for c, v in enumerate(row) if c != y))
    found = margins(p.teacher.logits, p.batch.y)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))
    by_class = class_margins(p.teacher.logits, p.batch.y)
    for c in range(classes):
        rows = p.batch.y == c
        assert float(by_class[c]) == pytest.approx(float(found[rows].mean()) if rows.any() else 0)


def test_labels_and_teacher_are_mixed_by_each_classs_margin(pair):
    p, held_out = pair(rows=8, classes=3), pair(rows=50, classes=3, seed=1)
    held_out.teacher = held_out.teacher._replace(
        logits=held_out.teacher.logits
        + 4 * F.one_hot(held_out.batch.y, 3) * torch.tensor([1, 0, 2])
    )
    term = p.connect(MarginWeighted(temperature=2.0))
    labels = F.cross_entropy(p.student.logits, p.batch.y, reduction="none")
    torch.testing.assert_close(p.value(term), labels)  # nothing learned yet: labels alone
    term.learn({"validation": held_out.teacher}, {"validation": held_out.batch})
    trust = class_margins(held_out.teacher.logits, held_out.batch.y).clamp(min=0)
    assert float(trust[0]) > 0.3
    alpha = trust[p.batch.y]
    divergence = 4 * soft_targets(p.student.logits, p.teacher.logits, 2.0)
    expected = (1 - alpha) * labels + alpha * divergence
    torch.testing.assert_close(p.value(term), expected)


def test_a_class_whose_teacher_is_mostly_wrong_is_learned_from_labels(pair):
    p = pair(rows=8, classes=2)
    wrong = p.teacher._replace(logits=5.0 * F.one_hot(1 - p.batch.y, 2).double())
    term = p.connect(MarginWeighted())
    term.learn({"validation": wrong}, {"validation": p.batch})
    assert torch.equal(term.trust, torch.zeros(2).double())
