import pytest
import torch

from fairkd.errors import ConfigError
from fairkd.fairness.disparities import find_disparity, largest_difference
from fairkd.fairness.names import DISPARITIES
from fairkd.fairness.statistics import Rates


def test_the_configuration_knows_exactly_the_disparities_there_are():
    assert [find_disparity(name) for name in DISPARITIES] == [largest_difference]
    with pytest.raises(ConfigError) as refused:
        find_disparity("smallest_ratio")
    assert str(refused.value) == (
        "Unknown disparity 'smallest_ratio'. Accepted: largest_difference."
    )


def test_known_values_over_the_defined_groups():
    value = torch.tensor([[[0.2, 0.9, 0.5], [0.2, 0.9, 0.5], [0.3, 0.3, 0.3], [0.2, 0.9, 0.5]]])
    defined = torch.tensor(
        [[[True, True, True], [True, False, True], [True, True, True], [False, True, False]]]
    )
    found = largest_difference(Rates(value, defined))
    torch.testing.assert_close(found, torch.tensor([[0.7, 0.3, 0.0, 0.0]]))


def test_an_undefined_group_is_not_a_group_at_zero():
    value = torch.tensor([[[0.6, 0.0, 0.7]]])
    defined = torch.tensor([[[True, False, True]]])
    torch.testing.assert_close(largest_difference(Rates(value, defined)), torch.tensor([[0.1]]))


@pytest.mark.parametrize(
    ("defined", "gradient"),
    [
        ([True, True, True], [-1.0, 1.0, 0.0]),
        ([True, False, True], [-1.0, 0.0, 1.0]),
        ([False, True, False], [0.0, 0.0, 0.0]),
        ([False, False, False], [0.0, 0.0, 0.0]),
    ],
)
def test_gradient_reaches_the_two_groups_that_differ_most(defined, gradient):
    value = torch.tensor([[[0.2, 0.9, 0.5]]], requires_grad=True)
    largest_difference(Rates(value, torch.tensor([[defined]]))).sum().backward()
    assert value.grad is not None
    assert value.grad[0, 0].tolist() == gradient
