import math

import numpy as np
import pytest
import torch

from fairkd.data.batch import Batch
from fairkd.distillation.relation import (
    Probabilistic,
    Relational,
    SimilarityPreserving,
    probabilistic,
    relational_angle,
    relational_distance,
    similarity_preserving,
)
from fairkd.errors import ConfigError
from fairkd.models.features import ModelOutputs

LOSSES = [similarity_preserving, relational_distance, relational_angle, probabilistic]


def _huber(x: float) -> float:
    return x * x / 2 if abs(x) < 1 else abs(x) - 0.5


def _similarity(s: np.ndarray, t: np.ndarray) -> float:
    n, total = len(s), 0.0
    rows = []
    for f in (s, t):
        g = [[float(f[i] @ f[j]) for j in range(n)] for i in range(n)]
        rows.append([[v / math.sqrt(sum(w * w for w in row)) for v in row] for row in g])
    for i in range(n):
        for j in range(n):
            total += (rows[0][i][j] - rows[1][i][j]) ** 2
    return total / n**2


def _distance(s: np.ndarray, t: np.ndarray) -> float:
    n = len(s)
    d = []
    for f in (s, t):
        all_of = [[float(np.linalg.norm(f[i] - f[j])) for j in range(n)] for i in range(n)]
        positive = [v for row in all_of for v in row if v > 0]
        d.append([[v / (sum(positive) / len(positive)) for v in row] for row in all_of])
    return sum(_huber(d[0][i][j] - d[1][i][j]) for i in range(n) for j in range(n)) / n**2


def _angle(s: np.ndarray, t: np.ndarray) -> float:
    def cosine(f: np.ndarray, i: int, j: int, k: int) -> float:
        a, b = f[j] - f[i], f[k] - f[i]
        norms = float(np.linalg.norm(a) * np.linalg.norm(b))
        return float(a @ b) / norms if norms > 0 else 0.0

    n = len(s)
    triples = [(i, j, k) for i in range(n) for j in range(n) for k in range(n)]
    return sum(_huber(cosine(s, *at) - cosine(t, *at)) for at in triples) / n**3


def _probabilistic(s: np.ndarray, t: np.ndarray) -> list[float]:
    n = len(s)
    p = []
    for f in (s, t):
        near = [
            [
                (1 + float(f[i] @ f[j]) / float(np.linalg.norm(f[i]) * np.linalg.norm(f[j]))) / 2
                for j in range(n)
            ]
            for i in range(n)
        ]
        p.append([[v / sum(row) for v in row] for row in near])
    return [
        sum(b * math.log(b / a) for a, b in zip(p[0][i], p[1][i], strict=True)) for i in range(n)
    ]


@pytest.mark.parametrize(
    ("loss", "by_loops"),
    list(zip(LOSSES, [_similarity, _distance, _angle, _probabilistic], strict=True)),
)
@pytest.mark.parametrize("rows", [2, 5])
@pytest.mark.parametrize("shapes", [((4,), (4,)), ((3,), (7,)), ((2, 3, 3), (4, 2, 2))])
def test_losses_equal_loops_over_rows(pair, loss, by_loops, rows, shapes):
    p = pair(rows=rows).with_features(*shapes)
    ours, theirs = p.student.features["f"], p.teacher.features["f"]
    expected = by_loops(ours.flatten(1).numpy(), theirs.flatten(1).numpy())
    np.testing.assert_allclose(loss(ours, theirs).numpy(), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("loss", LOSSES)
def test_equal_features_cost_nothing_and_pull_nowhere(pair, loss):
    theirs = pair().with_features((4,), (4,)).teacher.features["f"]
    ours = theirs.clone().requires_grad_()
    value = loss(ours, theirs)
    torch.testing.assert_close(value, torch.zeros_like(value), rtol=0, atol=1e-12)
    (gradient,) = torch.autograd.grad(value.sum(), ours)
    # The epsilon in PKT's logarithm leaves a trace.
    torch.testing.assert_close(gradient, torch.zeros_like(ours), rtol=0, atol=2e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_right(pair, loss):
    p = pair(rows=4).with_features((3,), (5,))
    ours = p.student.features["f"].requires_grad_()
    assert torch.autograd.gradcheck(lambda f: loss(f, p.teacher.features["f"]), (ours,))


@pytest.mark.parametrize("loss", LOSSES)
def test_a_rotation_of_features_and_an_order_of_rows_change_nothing(pair, loss):
    p = pair().with_features((4,), (4,))
    ours, theirs = p.student.features["f"], p.teacher.features["f"]
    before = loss(ours, theirs).mean()
    rotation = torch.linalg.qr(torch.randn(4, 4, generator=p.g).double()).Q
    torch.testing.assert_close(loss(ours @ rotation, theirs).mean(), before, rtol=1e-6, atol=1e-9)
    order = torch.randperm(6, generator=p.g)
    torch.testing.assert_close(
        loss(ours[order], theirs[order]).mean(), before, rtol=1e-6, atol=1e-9
    )


@pytest.mark.parametrize("loss", [relational_distance, relational_angle])
def test_relations_ignore_scale_and_place(pair, loss):
    p = pair().with_features((4,), (4,))
    ours, theirs = p.student.features["f"], p.teacher.features["f"]
    torch.testing.assert_close(loss(3 * ours + 2, theirs), loss(ours, theirs))


@pytest.mark.parametrize("loss", LOSSES)
def test_rows_that_coincide_give_finite_gradients(loss):
    ours = torch.ones(4, 3, requires_grad=True)
    theirs = torch.arange(12.0).reshape(4, 3)
    (gradient,) = torch.autograd.grad(loss(ours, theirs).sum(), ours)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("loss", LOSSES)
def test_a_single_row_says_nothing(loss):
    ours = torch.tensor([[1.0, 2.0]], requires_grad=True)
    value = loss(ours, torch.tensor([[3.0, -1.0]])).sum()
    assert float(value.detach()) == pytest.approx(0, abs=1e-6)
    (gradient,) = torch.autograd.grad(value, ours)
    torch.testing.assert_close(gradient, torch.zeros_like(ours), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "term", [SimilarityPreserving(1.0, "f", "f", 3), Probabilistic(1.0, "f", "f", 3)]
)
def test_many_rows_are_compared_in_parts(pair, term):
    p = pair(rows=7).with_features((4,), (4,))
    loss = similarity_preserving if isinstance(term, SimilarityPreserving) else probabilistic
    every_third = ([0, 3, 6], [1, 4], [2, 5])
    parts = [
        loss(p.student.features["f"][rows], p.teacher.features["f"][rows]) for rows in every_third
    ]
    if parts[0].dim():
        expected = torch.zeros(7).double()
        for rows, values in zip(every_third, parts, strict=True):
            expected[rows] = values
    else:
        expected = sum(v * len(n) for v, n in zip(parts, every_third, strict=True)) / 7
    torch.testing.assert_close(p.value(p.connect(term)), expected)


def test_the_relational_term_weighs_distances_and_angles(pair):
    p = pair().with_features((4,), (4,))
    ours, theirs = p.student.features["f"], p.teacher.features["f"]
    halves = [relational_angle(ours[part], theirs[part]) for part in ([0, 2, 4], [1, 3, 5])]
    expected = 2 * relational_distance(ours, theirs) + 3 * (halves[0] + halves[1]) / 2
    term = Relational(1.0, "f", "f", distance=2.0, angle=3.0, angle_rows=3)
    torch.testing.assert_close(p.value(p.connect(term)), expected)
    whole = Relational(1.0, "f", "f", distance=0.0, angle=1.0, angle_rows=None)
    torch.testing.assert_close(p.value(p.connect(whole)), relational_angle(ours, theirs))


def test_relations_need_two_rows():
    assert SimilarityPreserving(1.0).fewest_rows == 2
    assert Relational().fewest_rows == 3
    with pytest.raises(ConfigError, match=r"most_rows=0 is out of range; accepted: .*at least 1"):
        SimilarityPreserving(1.0, most_rows=0)


def test_two_rows_that_coincide_in_the_student_alone_do_not_explode():
    g = torch.Generator().manual_seed(0)
    ours, theirs = (torch.randn(16, 4, generator=g) for _ in range(2))
    ours[1] = ours[0]
    for loss in LOSSES:
        feature = ours.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(feature, theirs).sum(), feature)
        others = gradient[2:].abs().max()
        assert gradient[:2].abs().max() < 100 * others, loss


def test_features_far_from_the_origin_lose_no_digits():
    g = torch.Generator().manual_seed(0)
    ours, theirs = (torch.randn(32, 8, generator=g) for _ in range(2))
    for loss in (relational_distance, relational_angle):
        far = loss(ours + 1000, theirs + 1000)
        torch.testing.assert_close(far, loss(ours, theirs), rtol=2e-3, atol=0)


def test_half_precision_is_compared_in_single():
    g = torch.Generator().manual_seed(0)
    feature = (2 + 0.3 * torch.randn(32, 8, generator=g)).bfloat16()
    term = Relational(1.0, "f", "f")
    outputs = ModelOutputs(torch.zeros(32, 2), {"f": feature})
    with torch.autocast("cpu", torch.bfloat16):
        value = term(outputs, outputs, Batch(*[torch.zeros(32)] * 5), torch.tensor(0.0))
    assert float(value) == 0


def test_layers_are_read_by_name(pair):
    p = pair().with_features((4,), (4,))
    with pytest.raises(KeyError):
        p.value(p.connect(SimilarityPreserving(1.0, "g", "f")))
    p.student = ModelOutputs(p.student.logits, {"g": p.student.features["f"]})
    assert float(p.value(p.connect(SimilarityPreserving(1.0, "g", "f")))) > 0
