import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fairkd.training.last_layer import cell_weights, fit_last_layer


def _rows(classes: int, rows: int = 80, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    features = torch.randn(rows, 5, generator=g) * torch.tensor([1.0, 30.0, 0.02, 1.0, 0.0]) + 3
    y = (features[:, 0] + torch.randn(rows, generator=g)).mul(0.8).round().long().abs() % classes
    group = torch.eye(3)[torch.randint(3, (rows,), generator=g)]
    return features, y, group


@pytest.mark.parametrize("classes", [2, 3])
def test_every_cell_that_has_rows_weighs_the_same(classes):
    _, y, group = _rows(classes)
    group[(y == 0) & (group[:, 2] == 1)] = torch.eye(3)[0]  # a cell without rows
    group[::7] = 0.0  # rows of unknown group
    own = torch.rand(len(y)) + 0.5
    weights = cell_weights(y, group, own, classes)
    totals = {
        (c, g): float(weights[(y == c) & (group[:, g] == 1)].sum())
        for c in range(classes)
        for g in range(3)
    }
    known = int(group.any(1).sum())
    assert totals.pop((0, 2)) == 0
    assert list(totals.values()) == pytest.approx([known / len(totals)] * len(totals))
    assert not weights[::7].any()
    # Within a cell rows keep their own weights' proportions.
    one, other = ((y == 1) & (group[:, 1] == 1)).nonzero().flatten()[:2].tolist()
    assert float(weights[one, 1] / weights[other, 1]) == pytest.approx(float(own[one] / own[other]))


def test_rows_of_uncertain_label_and_group_are_shared_out():
    y = torch.tensor([[1.0, 0.0], [0.25, 0.75]])
    group = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    weights = cell_weights(y, group, torch.ones(2), 2)
    # Masses of (class, group): (0, 0) 1 + 1/8, (0, 1) 1/8, (1, 0) and (1, 1) 3/8.
    expected = np.array([[1 / 1.125, 0], [0.125 / 1.125 + 1, 2]]) / 2
    np.testing.assert_allclose(weights, expected)
    assert float(weights.sum()) == pytest.approx(2)


def test_without_known_groups_nothing_weighs():
    _, y, group = _rows(3)
    assert not cell_weights(y, 0 * group, torch.ones(len(y)), 3).any()


def _by_torch(features: Tensor, weights: Tensor, strength: float, bias: bool) -> Tensor:
    """Logits of the penalised fit, in the parametrisation of the standardised features."""
    x, w = features.double().numpy(), weights.numpy()
    per_row = w.sum(1)
    mean = np.average(x, axis=0, weights=per_row) if bias else np.zeros(x.shape[1])
    scale = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=per_row))
    scale[scale == 0] = 1
    given = torch.from_numpy((x - mean) / scale)
    classes = weights.shape[1]
    free = 1 if classes == 2 else classes  # scikit-learn fits two classes by their difference
    v = torch.zeros(free, x.shape[1], dtype=torch.float64, requires_grad=True)
    b = torch.zeros(free, dtype=torch.float64, requires_grad=bias)
    solver = torch.optim.LBFGS(
        [v, b] if bias else [v],
        max_iter=5000, tolerance_grad=1e-11, tolerance_change=1e-15, line_search_fn="strong_wolfe",
    )  # fmt: skip

    def logits() -> Tensor:
        z = given @ v.T + b
        return torch.cat([torch.zeros_like(z), z], 1) if classes == 2 else z

    def loss() -> Tensor:
        solver.zero_grad()
        fit = -(weights * F.log_softmax(logits(), 1)).sum()
        value = 0.5 * v.square().sum() + strength * fit
        value.backward()
        return value

    solver.step(loss)
    return logits().detach().log_softmax(1)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("strength", [0.05, 1.0])
@pytest.mark.parametrize("classes", [2, 3])
def test_it_is_the_regression_that_torch_finds(classes, strength, bias):
    features, y, group = _rows(classes)
    weights = cell_weights(y, group, torch.ones(len(y)), classes)
    weight, constant = fit_last_layer(features, weights, strength=strength, bias=bias)
    assert weight.shape == (classes, 5)
    assert constant.shape == (classes,)
    if not bias:
        assert not constant.any()
    found = (features.double() @ weight.T + constant).log_softmax(1)
    torch.testing.assert_close(
        found, _by_torch(features, weights, strength, bias), rtol=0, atol=1e-4
    )


def test_twice_the_same_to_the_last_bit():
    features, y, group = _rows(3)
    weights = cell_weights(y, group, torch.ones(len(y)), 3)
    first, second = (fit_last_layer(features, weights) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_fit_that_does_not_settle_says_so(monkeypatch, caplog):
    monkeypatch.setattr("fairkd.training.last_layer._MAX_ITERATIONS", 2)
    features, y, group = _rows(3)
    fit_last_layer(features, cell_weights(y, group, torch.ones(len(y)), 3), strength=100.0)
    assert "did not settle in 2 iterations; a smaller C settles sooner." in caplog.text
