import math

import pytest
import torch

from fairkd.models.shares import group_means, raised


def test_present_groups_divide_what_they_have_and_absent_ones_keep_theirs():
    shares = torch.tensor([0.5, 0.3, 0.2]).double()
    losses = torch.tensor([1.0, 2.0, 0.0]).double()
    present = torch.tensor([True, True, False])
    found = raised(shares, losses, present, 0.1)
    grown = [0.5 * math.exp(0.1), 0.3 * math.exp(0.2)]
    expected = [0.8 * g / sum(grown) for g in grown] + [0.2]
    torch.testing.assert_close(
        found, torch.tensor(expected, dtype=torch.float64), rtol=1e-6, atol=0
    )
    nobody = torch.zeros(3, dtype=torch.bool)
    torch.testing.assert_close(raised(shares, losses, nobody, 0.1), shares)


@pytest.mark.parametrize("rate", [1.0, 1e4])
def test_huge_losses_stay_finite(rate):
    found = raised(torch.tensor([0.5, 0.5]), torch.tensor([100.0, 1.0]), torch.ones(2) > 0, rate)
    torch.testing.assert_close(found, torch.tensor([1.0, 0.0]))
    again = raised(found, torch.tensor([0.0, 1.0]), torch.ones(2) > 0, rate)
    assert again.isfinite().all()
    assert float(again.sum()) == pytest.approx(1)


def test_a_rare_group_with_the_largest_loss_comes_to_count_most():
    g = torch.Generator().manual_seed(0)
    shares = torch.tensor([0.5, 0.5])
    losses = torch.tensor([1.0, 3.0])
    for _ in range(5000):
        rare = bool(torch.rand((), generator=g) < 0.3)
        shares = raised(shares, losses, torch.tensor([True, rare]), 0.01)
    assert float(shares[1]) > 0.95


def test_means_of_groups_and_of_nobody():
    values = torch.tensor([1.0, 3.0, 5.0])
    membership = torch.tensor([[1.0, 0, 0], [0.5, 0.5, 0], [0, 0, 0]])
    means, present = group_means(values, membership)
    torch.testing.assert_close(means, torch.tensor([2.5 / 1.5, 3.0, 0.0]))
    assert present.tolist() == [True, True, False]
