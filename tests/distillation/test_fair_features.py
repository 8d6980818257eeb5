import math

import pytest
import torch
import torch.nn.functional as F

from fairkd.distillation.fair_features import FairFeatures, fair_discrepancy
from fairkd.errors import ConfigError
from fairkd.models.features import ModelOutputs


def _by_loops(ours, theirs, y, groups):
    """The sum over classes and groups of squared discrepancies, sample by sample."""
    n = len(ours)

    def squared(a, b):
        return float((a - b).square().sum())

    sigma2 = sum(squared(ours[i], theirs[j]) for i in range(n) for j in range(n)) / n**2

    def mean_kernel(first, second):
        values = [math.exp(-squared(a, b) / (2 * sigma2)) for a in first for b in second]
        return sum(values) / len(values)

    total = 0.0
    for c in set(y):
        t = [theirs[i] for i in range(n) if y[i] == c]
        for g in set(groups):
            s = [ours[i] for i in range(n) if y[i] == c and groups[i] == g]
            if s:
                total += mean_kernel(s, s) + mean_kernel(t, t) - 2 * mean_kernel(s, t)
    return total / 2


@pytest.mark.parametrize("seed", range(4))
def test_value_equals_loops_and_empty_cells_cost_nothing(pair, seed):
    p = pair(rows=7, classes=3, seed=seed).with_features((4,), (4,))
    sex = p.batch.group[:, :2]
    ours, theirs = p.student.features["f"], p.teacher.features["f"]
    expected = _by_loops(ours, theirs, p.batch.y.tolist(), sex.argmax(1).tolist())
    found = fair_discrepancy(ours, theirs, F.one_hot(p.batch.y, 3).double(), sex)
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_the_order_of_rows_and_of_groups_does_not_matter_nor_do_rows_without_a_group(pair):
    p = pair(rows=8, classes=2).with_features((4,), (4,))
    ours, theirs = p.student.features["f"], p.teacher.features["f"]
    labels, sex = F.one_hot(p.batch.y, 2).double(), p.batch.group[:, :2]
    before = fair_discrepancy(ours, theirs, labels, sex)
    order = torch.randperm(8, generator=p.g)
    again = fair_discrepancy(ours[order], theirs[order], labels[order], sex[order].flip(1))
    torch.testing.assert_close(again, before)
    # Where all groups are missing, there is nothing to compare.
    assert torch.equal(
        fair_discrepancy(ours, theirs, labels, torch.zeros_like(sex)), torch.tensor(0.0).double()
    )


def test_students_like_the_teacher_in_every_group_cost_nothing():
    feature = torch.tensor([[0.0], [1.0], [0.0], [1.0]]).double()
    group = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1]]).double()
    labels = torch.ones(4, 1).double()
    assert float(fair_discrepancy(feature, feature, labels, group)) == pytest.approx(0, abs=1e-12)
    apart = torch.tensor([[0.0], [0.0], [1.0], [1.0]]).double()
    assert float(fair_discrepancy(apart, feature, labels, group)) > 0.1


def test_gradients_are_right(pair):
    p = pair(rows=5, classes=2).with_features((3,), (3,))
    labels = F.one_hot(p.batch.y, 2).double()
    # The bandwidth is not differentiated through, so it is held fixed here.
    from fairkd.distillation import fair_features

    theirs = p.teacher.features["f"]
    term = p.connect(FairFeatures(1.0, "f", "f"))
    ours = p.student.features["f"].requires_grad_()
    value = fair_discrepancy(ours, theirs, labels, p.batch.group[:, :2])
    torch.testing.assert_close(p.value(term), value)
    (gradient,) = torch.autograd.grad(value, ours)
    width = 2 * fair_features._squared_distances(ours, theirs).detach().mean()
    step = 1e-6

    def fixed(f):
        s = torch.zeros(()).double()
        for c in range(2):
            t = theirs[p.batch.y == c]
            for g in range(2):
                mine = f[(p.batch.y == c) & (p.batch.group[:, g] == 1)]
                if len(mine):
                    for a, b, sign in ((mine, mine, 1), (t, t, 1), (mine, t, -2)):
                        s = s + sign * (-torch.cdist(a, b).square() / width).exp().mean()
        return s / 2

    for i, j in ((0, 0), (2, 1), (4, 2)):
        moved = torch.zeros(5, 3).double()
        moved[i, j] = step
        slope = float((fixed(ours + moved) - fixed(ours - moved)).detach()) / (2 * step)
        assert float(gradient[i, j]) == pytest.approx(slope, rel=1e-4, abs=1e-9)


def test_the_term_names_a_block_and_projects_other_widths(pair):
    p = pair(rows=8).with_features((3,), (5,))
    term = FairFeatures(1.0, "f", "f", by="race")
    p.connect(term)
    projected = p.student.features["f"] @ term.projections[0].weight.T + term.projections[0].bias
    labels = F.one_hot(p.batch.y, 3).double()
    expected = fair_discrepancy(projected, p.teacher.features["f"], labels, p.batch.group[:, 2:])
    torch.testing.assert_close(p.value(term), expected)
    same = pair(rows=8).with_features((5,), (5,))
    unprojected = same.connect(FairFeatures(1.0, "f", "f"))
    assert not list(unprojected.parameters())


def test_what_cannot_work_is_refused(pair):
    p = pair().with_features((3, 2, 2), (3, 2, 2))
    with pytest.raises(ConfigError, match=r"fair_features compares vectors.*\[3, 2, 2\]"):
        p.connect(FairFeatures(1.0, "f", "f"))
    with pytest.raises(ConfigError, match="Unknown group block 'age'"):
        p.connect(FairFeatures(1.0, "f", "f", by="age"))


def test_soft_labels_count_in_part(pair):
    p = pair(rows=6, classes=2).with_features((3,), (3,))
    term = p.connect(FairFeatures(1.0, "f", "f"))
    hard = p.value(term)
    soft = p.batch._replace(y=F.one_hot(p.batch.y, 2).double())
    given = term(
        ModelOutputs(p.student.logits, p.student.features), p.teacher, soft, torch.tensor(0.0)
    )
    torch.testing.assert_close(given, hard)
