import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import linprog, minimize
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.errors import ConfigError
from fairkd.fairness.mitigation import LabelLoss
from fairkd.fairness.tail import ChiSquare, CVaR, worst_near, worst_share

NOW = torch.tensor(0.0)


def _case(seed: int, rows: int = 12, even: bool = False) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    losses = 3 * torch.rand(rows, generator=g).double() ** 2
    weight = torch.ones(rows).double() if even else torch.rand(rows, generator=g).double() + 0.1
    return losses, weight


def _loss(method: LabelLoss, losses: Tensor, weight: Tensor) -> Tensor:
    n = len(losses)
    batch = Batch(
        torch.zeros(n, 1), torch.zeros(n).long(), torch.zeros(n, 2), torch.arange(n), weight
    )
    return method.double().aggregated(losses, batch, NOW)


def _divergence(q: Any, p: Any) -> Any:
    return 0.5 * (p * (q / p - 1) ** 2).sum()


def _largest_in_ball(losses: Any, p: Any, radius: float) -> float:
    """The primal by SciPy's solver, from several starts."""
    best = -math.inf
    for start in (p, *(a * p + (1 - a) * np.eye(len(p))[losses.argmax()] for a in (0.9, 0.7, 0.5))):
        found = minimize(
            lambda q: -(q @ losses),
            start,
            jac=lambda q: -losses,
            bounds=[(0, 1)] * len(p),
            constraints=[
                {"type": "eq", "fun": lambda q: q.sum() - 1, "jac": lambda q: np.ones(len(q))},
                {
                    "type": "ineq",
                    "fun": lambda q: radius - _divergence(q, p),
                    "jac": lambda q: -(q / p - 1),
                },
            ],
            method="SLSQP",
            options={"ftol": 1e-12, "maxiter": 1000},
        )
        # Near the optimum it may find no further direction, and calls that a failure.
        if abs(found.x.sum() - 1) < 1e-9 and _divergence(found.x, p) < radius + 1e-9:
            best = max(best, -found.fun)
    return best


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.77, 1.0])
def test_the_worst_share_is_the_linear_programs(seed, share):
    losses, weight = _case(seed)
    p = (weight / weight.sum()).numpy()
    solved = linprog(
        -losses.numpy(), A_eq=np.ones((1, 12)), b_eq=[1.0],
        bounds=[(0, of_row / share) for of_row in p],
    )  # fmt: skip
    q = worst_share(losses, weight, share)
    assert float(q @ losses) == pytest.approx(-solved.fun, rel=1e-9)
    assert float(q.sum()) == pytest.approx(1)
    assert (q.numpy() <= p / share + 1e-12).all()


def test_the_mean_of_the_worst_half_by_hand():
    losses = torch.tensor([1.0, 5.0, 3.0, 2.0]).double()
    even = torch.ones(4).double()
    assert float(_loss(CVaR(0.5), losses, even)) == pytest.approx(4.0)
    assert float(_loss(CVaR(0.25), losses, even)) == 5.0
    # 1.5 rows: the worst one, and half of the next.
    assert float(_loss(CVaR(0.375), losses, even)) == pytest.approx((5 + 3 / 2) / 1.5)
    assert float(_loss(CVaR(0.01), losses, even)) == 5.0
    assert float(_loss(CVaR(1.0), losses, even)) == pytest.approx(11 / 4)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("radius", [0.01, 0.3, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("even", [False, True])
def test_the_worst_of_a_ball_is_the_primals(seed, radius, even):
    losses, weight = _case(seed, even=even)
    p = weight / weight.sum()
    q = worst_near(losses, weight, radius)
    expected = _largest_in_ball(losses.numpy(), p.numpy(), radius)
    assert float(q @ losses) == pytest.approx(expected, rel=1e-6)
    assert float(q.sum()) == pytest.approx(1)
    assert float(_divergence(q, p)) <= radius + 1e-6


def test_inside_the_simplex_it_is_mean_plus_spread():
    losses, weight = _case(0)
    p = weight / weight.sum()
    mean = (p * losses).sum()
    spread = (p * (losses - mean) ** 2).sum().sqrt()
    expected = mean + spread * math.sqrt(2 * 1e-3)  # exact while every row keeps a share
    torch.testing.assert_close(
        worst_near(losses, weight, 1e-3) @ losses, expected, rtol=1e-9, atol=0
    )


@pytest.mark.parametrize("method", [CVaR(0.01), ChiSquare(1e4)])
def test_at_the_end_the_worst_row_counts_alone(method):
    losses, weight = _case(1)
    assert float(_loss(method, losses, weight)) == pytest.approx(float(losses.max()), rel=1e-6)


@pytest.mark.parametrize("method", [CVaR(0.4), ChiSquare(0.5)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_losses_and_single_rows(method, dtype):
    method = method.to(dtype)
    for rows in (1, 5):
        losses = torch.full((rows,), 0.7, dtype=dtype, requires_grad=True)
        value = method.aggregated(
            losses,
            Batch(
                torch.zeros(rows, 1), torch.zeros(rows).long(), torch.zeros(rows, 0),
                torch.arange(rows), torch.ones(rows, dtype=dtype),
            ),
            NOW,
        )  # fmt: skip
        assert float(value.detach()) == pytest.approx(0.7)
        (gradient,) = torch.autograd.grad(value, losses)
        assert gradient.isfinite().all()
        assert float(gradient.sum()) == pytest.approx(1)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_a_group_of_that_share_does_no_worse_than_the_value(share):
    for seed in range(20):
        losses, even = _case(seed, rows=40, even=True)
        n = int(40 * share)
        worst_group = losses.sort(descending=True).values[:n].mean()
        assert float(_loss(CVaR(share), losses, even)) >= float(worst_group) - 1e-6
        radius = (1 / share - 1) / 2
        assert float(_loss(ChiSquare(radius), losses, even)) >= float(worst_group) - 1e-6


@pytest.mark.parametrize(
    "method", [CVaR(0.1), CVaR(0.6), ChiSquare(0.05), ChiSquare(1.0), ChiSquare(3.0)], ids=repr
)
def test_gradients_are_those_of_finite_differences(method):
    losses, weight = _case(3)
    losses.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: _loss(method, x, weight), (losses,), atol=1e-5)


@pytest.mark.parametrize("method", [CVaR(0.3), ChiSquare(0.8)])
def test_the_order_of_rows_says_nothing_and_a_weight_is_a_number_of_rows(method):
    losses, weight = _case(4)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    value = _loss(method, losses, weight)
    torch.testing.assert_close(_loss(method, losses[order], weight[order]), value)
    torch.testing.assert_close(_loss(method, losses, 7 * weight), value)
    twice = torch.cat([losses, losses[:3]])
    double = torch.ones(12).double()
    double[:3] = 2.0
    torch.testing.assert_close(
        _loss(method, twice, torch.ones(15).double()), _loss(method, losses, double)
    )
    nothing = torch.cat([losses, losses.max()[None] + 5])  # a row of no weight is not there
    torch.testing.assert_close(
        _loss(method, nothing, torch.cat([weight, torch.zeros(1).double()])), value
    )


def test_the_loss_lies_between_the_mean_and_the_largest_and_grows_with_its_knob():
    losses, even = _case(5, even=True)
    tails = [float(_loss(CVaR(share), losses, even)) for share in (1.0, 0.8, 0.5, 0.2, 0.05)]
    balls = [float(_loss(ChiSquare(radius), losses, even)) for radius in (1e-9, 0.1, 1.0, 3.0, 9.0)]
    for values in (tails, balls):
        assert values == sorted(values)
        assert values[0] == pytest.approx(float(losses.mean()), rel=1e-4)
        assert values[-1] <= float(losses.max()) + 1e-9


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: CVaR(0), "share=0 is out of range; accepted: a number above 0 and of at most 1."),
        (lambda: CVaR(2), "share=2 is out of range; accepted: a number above 0 and of at most 1."),
        (lambda: ChiSquare(0), "radius=0 is out of range; accepted: a number above 0."),
    ],
)
def test_what_cannot_work_is_refused(make, sentence):
    with pytest.raises(ConfigError) as refused:
        make()
    assert str(refused.value) == sentence
