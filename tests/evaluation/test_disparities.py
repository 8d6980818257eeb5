import itertools
import math

import fairlearn.metrics as fm
import numpy as np
import pytest
import torch

from fairkd.evaluation.decided import block_counts
from fairkd.evaluation.disparities import (
    average_absolute_difference,
    average_difference,
    average_relative_difference,
    difference,
    disparities,
    ratio,
)
from fairkd.evaluation.rates import recorded_rates

NAN = float("nan")


def test_known_values():
    values = torch.tensor([0.2, 0.5, NAN, 0.8], dtype=torch.float64)
    assert difference(values) == pytest.approx(0.6)
    assert ratio(values) == pytest.approx(0.25)
    assert average_difference(values, 1) == pytest.approx(((0.2 - 0.5) + (0.8 - 0.5)) / 2)
    assert average_difference(values, 0) == pytest.approx((0.3 + 0.6) / 2)
    assert average_relative_difference(values, 0) == pytest.approx((0.3 + 0.6) / 2 / 0.2)
    assert average_absolute_difference(values) == pytest.approx((0.3 + 0.6 + 0.3) / 3)


def test_undefined_reference_and_too_few_groups_are_nan():
    values = torch.tensor([0.2, NAN, 0.4]).double()
    assert average_difference(values, 1).isnan()
    one = torch.tensor([NAN, 0.3]).double()
    for found in (difference(one), ratio(one), average_absolute_difference(one)):
        assert found.isnan()
    assert average_difference(one, 1).isnan()
    zeros = torch.zeros(2).double()
    assert ratio(zeros).isnan()
    assert average_relative_difference(zeros, 0).isnan()
    assert average_difference(zeros, 0) == 0


def test_average_absolute_difference_is_the_mean_over_pairs():
    values = torch.rand(7, 40, generator=torch.Generator().manual_seed(0)).double()
    values[:, 5] = NAN
    for row in values:
        defined = [v for v in row.tolist() if not math.isnan(v)]
        pairs = [abs(a - b) for a, b in itertools.combinations(defined, 2)]
        assert average_absolute_difference(row) == pytest.approx(np.mean(pairs), rel=1e-12)


def test_equal_values_have_no_disparity():
    values = torch.full((9,), 0.1).double()
    assert average_absolute_difference(values) == pytest.approx(0, abs=1e-15)
    assert difference(values) == 0
    assert ratio(values) == 1


@pytest.mark.parametrize("cells", [2, 3, 40])
def test_two_classes_equal_fairlearn(make, cells):
    predictions = make(n=4000, cells=cells, missing=False)
    counts = block_counts(predictions.truth, predictions.blocks["sex"], predictions.predicted(0.4))
    found = disparities(recorded_rates(counts), 0)
    rows = {
        "y_true": predictions.y,
        "y_pred": predictions.predicted(0.4),
        "sensitive_features": predictions.memberships["sex"],
    }
    expected = {
        "demographic_parity_difference": fm.demographic_parity_difference(**rows),
        "demographic_parity_ratio": fm.demographic_parity_ratio(**rows),
        "equal_opportunity_difference": fm.equal_opportunity_difference(**rows),
        "equalized_odds_difference": fm.equalized_odds_difference(**rows),
        "equalized_odds_ratio": fm.equalized_odds_ratio(**rows),
        "equalized_odds_mean": fm.equalized_odds_difference(**rows, agg="mean"),
        "worst_group_accuracy": fm.accuracy_score_group_min(**rows),
        "accuracy_difference": fm.accuracy_score_difference(**rows),
        "false_positive_rate_difference": fm.false_positive_rate_difference(**rows),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-12), name
    assert found["equalized_odds_sum"] == 2 * found["equalized_odds_mean"]


def test_several_classes_take_the_worst_class_against_the_rest(make):
    predictions = make(n=900, classes=4, missing=False)
    counts = block_counts(predictions.truth, predictions.blocks["sex"], predictions.predicted(0.5))
    found = disparities(recorded_rates(counts), 0)
    predicted = predictions.predicted(0.5)
    by_class = []
    for k in range(4):
        rows = {
            "y_true": predictions.y == k,
            "y_pred": predicted == k,
            "sensitive_features": predictions.memberships["sex"],
        }
        rates = recorded_rates(_one_versus_rest(counts, k))
        by_class.append(
            {
                "demographic_parity_difference": fm.demographic_parity_difference(**rows),
                "demographic_parity_ratio": -fm.demographic_parity_ratio(**rows),
                "equalized_odds_difference": fm.equalized_odds_difference(**rows),
                "equalized_odds_ratio": -fm.equalized_odds_ratio(**rows),
                "average_difference_true_positive_rate": float(
                    average_difference(rates["true_positive_rate"][:, 0], 0)
                ),
            }
        )
    for name in by_class[0]:
        values = [line[name] for line in by_class]
        worst = max(values, key=abs) if name.startswith("average") else abs(max(values))
        assert found[name] == pytest.approx(worst, rel=1e-12), name


def _one_versus_rest(counts, k):
    hit = counts[:, k, k]
    missed = counts[:, k].sum(-1) - hit
    wrong = counts[:, :, k].sum(-1) - hit
    rest = counts.sum((-1, -2)) - hit - missed - wrong
    return torch.stack([torch.stack([rest, wrong], -1), torch.stack([missed, hit], -1)], -2)


def test_relabelled_groups_change_nothing():
    g = torch.Generator().manual_seed(0)
    counts = torch.randint(0, 9, (6, 3, 3), generator=g).double()
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    before = disparities(recorded_rates(counts), 3)
    after = disparities(recorded_rates(counts[order]), 0)
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, rtol=1e-12, atol=1e-14, equal_nan=True)


def test_an_empty_group_changes_nothing():
    counts = torch.tensor([[[3, 1], [2, 4]], [[1, 3], [3, 2]]]).double()
    padded = torch.cat([counts, torch.zeros(1, 2, 2).double()])
    before = disparities(recorded_rates(counts), 0)
    after = disparities(recorded_rates(padded), 0)
    assert {n: float(v) for n, v in before.items()} == {n: float(v) for n, v in after.items()}


def test_equalized_odds_is_undefined_where_one_of_its_gaps_is():
    # no group but the first has positives
    counts = torch.tensor([[[3, 1], [2, 4]], [[1, 3], [0, 0]]]).double()
    found = disparities(recorded_rates(counts), 0)
    assert found["false_positive_rate_difference"] == 0.5
    assert found["equalized_odds_difference"].isnan()
    assert found["equalized_odds_ratio"].isnan()
    assert found["worst_group_accuracy"] == 0.25
