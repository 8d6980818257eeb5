"""How a configured bound stands, under a name that nothing else in a record has."""

import math

import pytest
import torch

from fairkd.evaluation.disparities import disparities
from fairkd.evaluation.held import Held, recorded_name
from fairkd.evaluation.rates import recorded_rates
from fairkd.fairness.names import DISPARITIES, RECORDED_AS, STATISTICS


def held(value: float, threshold: float = 0.05) -> Held:
    values = {"test": {"student": value}, "validation": {"student": value}}
    return Held("selection_rate", "smallest_ratio", "sex", threshold, values)


def test_a_bound_holds_up_to_its_threshold() -> None:
    assert held(0.05).holds("student") is True
    assert held(0.051).holds("student") is False
    assert held(math.nan).holds("student") is None


def test_it_survives_json() -> None:
    found = Held.from_json(held(0.125).to_json())
    assert found == held(0.125)
    assert math.isnan(Held.from_json(held(math.nan).to_json()).values["test"]["student"])


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("disparity", DISPARITIES)
def test_only_the_same_measure_has_the_name_of_a_recorded_one(
    statistic: str, disparity: str
) -> None:
    recorded = disparities(recorded_rates(torch.ones(2, 2, 2, dtype=torch.float64)), 0)
    name = recorded_name(statistic, disparity)
    same = disparity == "largest_difference" and statistic in RECORDED_AS
    assert (name in recorded) == same
