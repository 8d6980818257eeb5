import math
import random
from dataclasses import replace

import pytest
from scipy import stats

from fairkd.record import Headline
from fairkd.sweeps.summary import summarise

nan = math.nan


@pytest.fixture
def outcomes(make):
    """Three weights, three repetitions; the middle one is dominated on validation alone."""
    numbers = {
        0: [(0.86, 0.20), (0.85, 0.18), (0.84, 0.19)],
        1: [(0.90, 0.01), (0.91, 0.02), (0.92, 0.00)],
        2: [(0.80, 0.05), (0.81, 0.02), (0.82, 0.03)],
    }
    on_validation = {0: (0.85, 0.18), 1: (0.79, 0.19), 2: (0.80, 0.04)}
    return [
        make(
            3 * weight + seed,
            *numbers[weight][seed],
            varied={"constraint.weight": weight},
            seed=seed,
            validation=on_validation[weight],
            control=(0.86 + seed / 100, 0.17 - seed / 50),
        )
        for weight in numbers
        for seed in range(3)
    ]


def test_means_and_intervals_of_every_model(outcomes):
    row = next(r for r in summarise(outcomes).rows if r.varied["constraint.weight"] == 0)
    student = row.estimate("student", "test", "accuracy")
    assert student.mean == pytest.approx(0.85)
    assert student.sd == pytest.approx(0.01)
    assert student.half_width == pytest.approx(4.302653 * 0.01 / math.sqrt(3), rel=1e-6)
    assert row.estimate("control", "test", "disparity").mean == pytest.approx(0.15)
    assert row.estimate("control", "validation", "disparity").mean == pytest.approx(1.15)
    assert row.estimate("teacher", "test", "accuracy").mean == 0.85
    assert row.estimate("teacher", "validation", "accuracy").mean == 2.85
    assert (row.repetitions, student.of) == (3, 3)


def test_the_difference_to_the_control_is_paired(outcomes):
    row = next(r for r in summarise(outcomes).rows if r.varied["constraint.weight"] == 0)
    jobs = [job for job in outcomes if job.varied["constraint.weight"] == 0]
    student = [job.metrics["test/disparity"] for job in jobs]
    control = [job.metrics["test/control/demographic_parity_difference/sex"] for job in jobs]
    expected = stats.ttest_rel(student, control).confidence_interval(0.95)
    found = row.minus_control["disparity"]
    assert found.mean == pytest.approx(0.04)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)


def test_the_order_looks_at_validation_alone(outcomes):
    found = [(row.varied["constraint.weight"], row.rank) for row in summarise(outcomes).rows]
    assert found == [(2, 1), (0, 1), (1, 2)]
    assert [row.on_front for row in summarise(outcomes).rows] == [True, True, False]


def test_the_order_of_outcomes_does_not_matter(outcomes):
    shuffled = random.Random(0).sample(outcomes, len(outcomes))
    assert shuffled != outcomes
    assert summarise(shuffled) == summarise(outcomes)


def test_the_names_of_configurations_do_not_matter(outcomes):
    keys = {"0": "z", "1": "y", "2": "x"}
    renamed = [
        replace(job, configuration=keys[str(job.varied["constraint.weight"])]) for job in outcomes
    ]
    before, after = summarise(outcomes), summarise(renamed)
    assert [row.configuration for row in after.rows] == ["x", "z", "y"]
    same = [
        replace(row, configuration="", outcomes=()) for summary in (before, after)
        for row in summary.rows
    ]  # fmt: skip
    assert same[:3] == same[3:]


def test_confidence(outcomes):
    narrow, wide = (summarise(outcomes, c).rows[0].estimates for c in (0.5, 0.99))
    key = ("student", "test", "accuracy")
    assert narrow[key].half_width < wide[key].half_width / 10


def test_a_job_done_twice_is_no_repetition(make):
    summary = summarise([make(0, 0.8), make(1, 0.8), make(2, 0.9, seed=1)])
    (row,) = summary.rows
    assert (row.repetitions, summary.jobs) == (2, 3)
    assert row.minus_control["accuracy"].of == 2
    assert row.estimate("student", "test", "accuracy").mean == pytest.approx(0.85)


def test_a_model_that_does_not_vary_has_no_interval_over_repetitions(make):
    jobs = [
        make(s, 0.8 + s / 100, seeds={"seed": s, "teacher.seed": 0, "data.seed": 0})
        for s in range(4)
    ]
    (row,) = summarise(jobs).rows
    assert row.estimate("teacher", "test", "accuracy").interval == "none"
    assert row.estimate("teacher", "test", "accuracy").of == 1
    assert row.estimate("control", "test", "accuracy").of == 4
    assert row.repetitions_vary.startswith("only the student varies: conditional on one data split")


def test_a_single_job_shows_its_own_interval_of_the_gap_alone(make):
    (row,) = summarise([make(0, 0.8, 0.1, own_interval=(0.07, 0.14))]).rows
    gap = row.estimate("student", "test", "disparity")
    assert (gap.low, gap.high, gap.interval) == (0.07, 0.14, "test rows")
    assert row.estimate("student", "validation", "disparity").interval == "none"
    assert row.estimate("student", "test", "accuracy").interval == "none"
    assert row.minus_control["disparity"].interval == "none"


def test_repetitions_have_no_interval_of_rows(make):
    jobs = [make(s, 0.8, 0.1 + s / 10, seed=s, own_interval=(0.07, 0.14)) for s in range(2)]
    (row,) = summarise(jobs).rows
    assert row.estimate("student", "test", "disparity").interval == "repetitions"


def test_undefined_numbers_are_counted(make):
    jobs = [make(0, 0.8, 0.1), make(1, 0.8, nan, seed=1), make(2, 0.8, 0.2, seed=2)]
    (row,) = summarise(jobs).rows
    gap = row.estimate("student", "test", "disparity")
    assert (gap.mean, gap.defined, gap.of) == (pytest.approx(0.15), 2, 3)
    assert (row.minus_control["disparity"].defined, row.minus_control["disparity"].of) == (2, 3)
    assert row.repetitions == 3


def test_a_configuration_without_a_defined_gap_is_last_and_unranked(make):
    jobs = [
        make(0, 0.99, nan, varied={"constraint.weight": 0}),
        make(1, 0.5, 0.9, varied={"constraint.weight": 1}),
    ]
    rows = summarise(jobs).rows
    assert [(row.varied["constraint.weight"], row.rank) for row in rows] == [(1, 1), (0, None)]
    assert not rows[1].on_front


def test_all_equal_configurations_are_all_on_the_front_in_the_order_of_jobs(make):
    jobs = [make(n, varied={"constraint.weight": w}) for n, w in enumerate((3, 1, 2))]
    rows = summarise(jobs).rows
    assert [row.varied["constraint.weight"] for row in rows] == [3, 1, 2]
    assert all(row.on_front for row in rows)


def test_different_disparities_are_not_compared(make):
    odds = Headline("equalized_odds_difference", "sex")
    jobs = [
        make(0, 0.8, 0.1, varied={"constraint.statistic": "selection_rate"}),
        make(1, 0.9, 0.0, varied={"constraint.statistic": "equalized_odds"}, headline=odds),
    ]
    summary = summarise(jobs)
    assert [row.rank for row in summary.rows] == [1, 1]
    assert list(summary.comparisons()) == [
        "demographic_parity_difference by sex",
        "equalized_odds_difference by sex",
    ]


def test_different_data_are_not_compared(make):
    targets = ("fairkd.data.adult.load_adult", "fairkd.data.arrests.load_arrests")
    jobs = [
        make(n, 0.8 + n / 10, 0.1, varied={"data._target_": target})
        for n, target in enumerate(targets)
    ]
    summary = summarise(jobs)
    assert [row.rank for row in summary.rows] == [1, 1]
    assert [text.partition(" on ")[2] for text in summary.comparisons()] == [
        "load_adult",
        "load_arrests",
    ]


def test_no_jobs():
    assert summarise([]).rows == ()
