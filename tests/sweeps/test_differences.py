import math

import pytest
from scipy import stats

from fairkd.sweeps.differences import differences, holm, p_text
from fairkd.sweeps.summary import summarise

nan = math.nan


def compared(make, by_weight):
    """Differences of configurations, each given by (accuracy, disparity) of student and control."""
    jobs = [
        make(10 * n + seed, *student, varied={"w": weight}, seed=seed, control=control)
        for n, (weight, pairs) in enumerate(by_weight.items())
        for seed, (student, control) in enumerate(pairs)
    ]
    rows = summarise(jobs).rows
    weight = {row.configuration: row.varied["w"] for row in rows}
    return {(weight[d.configuration], d.measure): d for d in differences(rows)}


def test_means_intervals_and_p_values_are_those_of_scipys_paired_test(make):
    students = [(0.84, 0.05), (0.86, 0.02), (0.85, 0.06), (0.81, 0.01)]
    controls = [(0.85, 0.17), (0.86, 0.18), (0.87, 0.12), (0.84, 0.19)]
    found = compared(make, {0: list(zip(students, controls, strict=True))})
    for place, measure in enumerate(("accuracy", "disparity")):
        expected = stats.ttest_rel([s[place] for s in students], [c[place] for c in controls])
        interval = expected.confidence_interval(0.95)
        got = found[0, measure]
        assert got.p == pytest.approx(expected.pvalue, rel=1e-9)
        assert (got.estimate.low, got.estimate.high) == pytest.approx(tuple(interval), rel=1e-9)
        assert got.undefined == ""


def test_holms_correction_is_the_one_worked_by_hand():
    # Sorted: 0.005 x 4, 0.01 x 3, 0.03 x 2, and 0.04 x 1, which may not be below its predecessor.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([0.02, nan, 0.5])[0] == pytest.approx(0.04)
    assert math.isnan(holm([0.02, nan, 0.5])[1])
    assert holm([]) == []


def test_the_correction_is_over_all_rows_and_both_measures(make):
    noisy = [((0.8 + s / 100, 0.1 + s * s / 100), (0.86, 0.17)) for s in range(4)]
    found = compared(make, {0: noisy, 1: noisy[::-1], 2: noisy})
    smallest = min(found.values(), key=lambda one: one.p)
    assert smallest.corrected == pytest.approx(6 * smallest.p)


def test_one_repetition_tests_nothing(make):
    found = compared(make, {0: [((0.8, 0.1), (0.86, 0.17))]})[0, "accuracy"]
    assert found.estimate.mean == pytest.approx(-0.06)
    assert math.isnan(found.p)
    assert math.isnan(found.corrected)
    assert found.undefined == "no test: it takes 2 repetitions, and is defined in 1 of 1"


def test_an_undefined_disparity_leaves_its_pair_out(make):
    pairs = [((0.8, nan), (0.86, 0.17)), *[((0.8, 0.1 + s), (0.86, 0.17)) for s in (0.0, 0.01)]]
    found = compared(make, {0: pairs})[0, "disparity"]
    assert (found.estimate.defined, found.estimate.of) == (2, 3)
    assert found.p == pytest.approx(stats.ttest_rel([0.1, 0.11], [0.17, 0.17]).pvalue)


def test_differences_without_spread_are_no_evidence_however_floats_round(make):
    # 0.3 - 0.1 and 0.4 - 0.2 differ in their last bit.
    found = compared(
        make, {0: [((0.3, 0.1), (0.1, 0.1)), ((0.4, 0.2), (0.2, 0.2)), ((0.5, 0.3), (0.3, 0.3))]}
    )
    assert math.isnan(found[0, "accuracy"].p)
    assert found[0, "accuracy"].undefined == (
        "no test: the difference is the same in every repetition"
    )
    assert (found[0, "disparity"].p, found[0, "disparity"].corrected) == (1.0, 1.0)


def test_a_repetition_that_lacks_a_number_is_left_out(make):
    found = compared(
        make, {0: [((0.8, p), (0.8, c)) for p, c in [(nan, 0.1), (0.2, 0.2), (0.3, 0.3)]]}
    )
    gap = found[0, "disparity"]
    assert (gap.estimate.defined, gap.estimate.mean, gap.p) == (2, 0.0, 1.0)


@pytest.mark.parametrize(("p", "text"), [(0.0, "< 0.001"), (0.00099, "< 0.001"), (0.0119, "0.012")])
def test_a_p_value_is_never_shown_as_0(p, text):
    assert p_text(p) == text


def test_a_control_repeated_is_not_a_repetition_of_it(make):
    jobs = [
        make(
            n,
            0.8 + n / 100,
            seeds={"seed": 0, "data.seed": 0, "teacher.seed": n},
        )
        for n in range(3)
    ]
    (accuracy, _) = differences(summarise(jobs).rows)
    assert accuracy.estimate.of == 1
