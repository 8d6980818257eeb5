"""Every kind of answer, word for word."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from fairkd.record import Headline
from fairkd.reporting.report.answer import answer, basis, change, points, share, times
from fairkd.reporting.report.comparison import Compared, compared
from fairkd.sweeps.estimate import Estimate
from fairkd.sweeps.labels import labels
from fairkd.sweeps.outcome import Outcome
from fairkd.sweeps.summary import summarise

T, W = "distillation.temperature", "constraint.weight"


def found(
    outcomes: Sequence[Outcome], threshold: float = 0.05, alone: Sequence[str] = ()
) -> Compared:
    (rows,) = summarise(outcomes).comparisons().values()
    texts = labels([row.varied for row in rows])
    return compared(
        rows,
        texts,
        threshold,
        {row.configuration for row, text in zip(rows, texts, strict=True) if text in alone},
    )


def one_with_changes(make, accuracy: Estimate, gap: Estimate, **knobs) -> Compared:
    """A single job whose changes against the control have intervals."""
    one = found([make(0, own_interval=(0.02, 0.04), **knobs)])
    row = replace(one.rows[0], minus_control={"accuracy": accuracy, "disparity": gap})
    return replace(one, rows=[row], chosen=row if one.chosen else None, closest=row)


def over_rows(mean: float, low: float, high: float) -> Estimate:
    return Estimate(mean, math.nan, low, high, "test rows", 1, 1)


def test_the_best_student_that_holds(make):
    jobs = [
        make(4 * n + s, accuracy + s / 500, gap + s / 500, seed=s, varied={T: 4, W: weight})
        for n, (weight, accuracy, gap) in enumerate(
            [(0, 0.85, 0.16), (0.3, 0.84, 0.03), (1, 0.80, 0.01)]
        )
        for s in range(4)
    ]
    # Four repetitions 0.002 apart: t of three degrees of freedom, 3.182, times 0.00258 / 2.
    assert answer(found(jobs, alone=["T=4, w=0"])) == [
        "At 0.05, the best student that holds (T=4, w=0.3) keeps 84.3% accuracy (-0.7 points "
        "[-1.1, -0.3] against the control) and shrinks the model 25 times (parameters).",
        "Its gap on test is 0.033 [0.029, 0.037], with its interval within the threshold.",
        "Against the control its gap changed by -13.7 points [-14.1, -13.3]: the control's is "
        "0.170 and the teacher's is 0.180.",
        "Distillation alone (T=4, w=0) changed the gap by -0.7 points [-1.1, -0.3].",
    ]


def test_the_interval_may_reach_beyond_the_threshold(make):
    jobs = [
        make(0, gap=0.03, own_interval=(0.01, 0.06), varied={W: 1}),
        make(1, gap=0.2, varied={W: 0}),
    ]
    assert answer(found(jobs))[1] == (
        "Its gap on test is 0.030 [0.010, 0.060]; the interval reaches beyond 0.05, so it may not "
        "hold on new rows."
    )


def test_it_holds_on_validation_but_not_on_test(make):
    jobs = [
        make(0, 0.83, 0.07, validation=(0.83, 0.04), varied={W: 1}),
        make(1, 0.85, 0.2, varied={W: 0}),
    ]
    assert answer(found(jobs))[0] == (
        "At 0.05, the best student (w=1) holds on validation but NOT on test, where its gap is "
        "0.070. It keeps 83.0% accuracy (-2.0 points against the control) and shrinks the model 25 "
        "times (parameters)."
    )


def test_none_holds(make):
    jobs = [
        make(0, 0.84, 0.09, validation=(0.84, 0.08), varied={W: 0.3}),
        make(1, 0.80, 0.04, validation=(0.80, 0.06), varied={W: 1}),
    ]
    first, second, *_ = answer(found(jobs))
    assert first == (
        "At 0.05, no student holds on validation; the closest (w=1) has a gap of 0.060 there and "
        "0.040 on test."
    )
    assert second.startswith("It keeps 80.0% accuracy (-5.0 points against the control)")


def test_test_never_chooses(make):
    """The row that is best on test loses to the one that is best on validation."""
    jobs = [
        make(0, 0.90, 0.01, validation=(0.80, 0.04), varied={W: 1}),
        make(1, 0.70, 0.90, validation=(0.81, 0.04), varied={W: 2}),
    ]
    chosen = found(jobs).chosen
    assert chosen is not None
    assert chosen.varied == {W: 2}


def test_the_only_student(make):
    first, *_ = answer(found([make(0)]))
    assert first.startswith("At 0.05, the only student holds: it keeps 84.0% accuracy (-1.0 points")
    first, *_ = answer(found([make(0, gap=0.08)]))
    assert (
        first
        == "At 0.05, the only student does not hold: on validation its gap is 0.080, 0.080 on test."
    )
    first, *_ = answer(found([make(0, gap=0.08, validation=(0.8, 0.04))]))
    assert first.startswith("At 0.05, the only student holds on validation but NOT on test")


def test_intervals_over_test_rows(make):
    one = one_with_changes(make, over_rows(-0.01, -0.014, -0.006), over_rows(-0.14, -0.16, -0.12))
    assert answer(one)[0].startswith(
        "At 0.05, the only student holds: it keeps 84.0% accuracy (-1.0 points [-1.4, -0.6] "
        "against the control)"
    )
    assert answer(one)[2].startswith(
        "Against the control its gap changed by -14.0 points [-16.0, -12.0]"
    )
    assert (
        "Nothing is repeated: intervals are 90% ones over test rows (percentiles of a bootstrap; "
        "of the change in accuracy, the normal interval of a mean of paired differences), and say "
        "nothing of another run (conditional on one data split, teacher and student seed)."
        in basis(one, 0.95, 0.9, 2)
    )


def test_distillation_alone(make):
    one = one_with_changes(make, over_rows(0, -0.01, 0.01), over_rows(0.004, -0.002, 0.01))
    assert answer(one)[-1] == (
        "No configuration is distillation alone, so what it does by itself is not known here."
    )
    assert answer(replace(one, alone=one.rows[0]))[-2:] == [
        "That is distillation alone: nothing else was asked of the student.",
        "No change of the gap is shown.",
    ]
    less = one_with_changes(make, over_rows(0, -0.01, 0.01), over_rows(-0.004, -0.006, -0.002))
    other = replace(one.rows[0], configuration="another")
    both = replace(one, rows=[*less.rows, other], labels=["T=4, w=1", "T=4, w=0"])
    assert answer(replace(both, chosen=less.rows[0], alone=other))[-1] == (
        "Distillation alone (T=4, w=0) changed the gap by +0.4 points [-0.2, 1.0], so no change is "
        "shown."
    )


def test_of_several_the_most_alike_is_distillation_alone(make):
    jobs = [
        make(n, accuracy, gap, varied={T: t, W: w})
        for n, (t, w, accuracy, gap) in enumerate(
            [(1, 0, 0.86, 0.17), (4, 0, 0.85, 0.16), (4, 1, 0.84, 0.02), (1, 1, 0.80, 0.02)]
        )
    ]
    one = found(jobs, alone=["T=1, w=0", "T=4, w=0"])
    assert one.label(one.chosen) == "T=4, w=1"
    assert one.label(one.alone) == "T=4, w=0"


@pytest.mark.parametrize(
    ("control", "teacher", "sentence"),
    [
        (
            0.01,
            0.02,
            "Control and teacher hold already, so the bound asks nothing of a student here.",
        ),
        (0.01, 0.2, "The control holds already."),
        (0.2, 0.05, "The teacher holds already."),
        (0.2, 0.2, None),
        (math.nan, 0.2, None),
    ],
)
def test_who_holds_already(make, control, teacher, sentence):
    sentences = answer(found([make(0, control=(0.8, control), teacher=(0.8, teacher))]))
    already = [one for one in sentences if "already" in one]
    assert already == ([] if sentence is None else [sentence])


def test_undefined_numbers(make):
    (only,) = answer(found([make(0, gap=math.nan)]))
    assert only.startswith("No configuration has an accuracy and a gap that are defined on valid")
    first, *_ = answer(found([make(0, gap=math.nan, validation=(0.8, 0.01))]))
    assert "its gap on test is undefined, so whether it holds there is not known" in first
    partly = [
        make(s, gap=math.nan if s else 0.03, validation=(0.8, 0.03), seed=s) for s in range(2)
    ]
    first, *_ = answer(found(partly))
    unknown = "its gap on test is 0.030 (defined in 1 of 2), so whether it holds there is not known"
    assert unknown in first
    undefined = answer(found([make(0, control=(0.8, math.nan))]))
    assert (
        "Against the control its gap changed by an undefined number of points: the control's is "
        "undefined and the teacher's is 0.180." in undefined
    )


@pytest.mark.parametrize(
    ("final", "ratios", "words"),
    [
        ("student", {"parameters": 0.0323}, "shrinks the model 31 times (parameters)"),
        ("student", {"parameters": 0.7}, "shrinks the model 1.4 times (parameters)"),
        ("student", {"parameters": 1.0}, "is as large as the teacher (parameters)"),
        ("student", {"parameters": 1.5}, "is 1.5 times as large as the teacher (parameters)"),
        (
            "pruned",
            {"nonzero": 0.01, "bytes": 0.1},
            "shrinks the model 100 times (parameters that are not 0)",
        ),
        ("quantised", {"parameters": 0.1, "bytes": 0.03}, "shrinks the model 33 times (bytes)"),
    ],
)
def test_how_much_smaller(make, final, ratios, words):
    first, *_ = answer(found([make(0, final=final, ratios=ratios)]))
    assert first.endswith(f"{words}.")


def test_a_teacher_whose_size_is_not_counted(make):
    first, *_ = answer(found([make(0, ratios={"parameters": math.nan})]))
    assert first.endswith("(-1.0 points against the control).")


def test_what_stands_in_the_students_place(make):
    jobs = [make(0, varied={"a": 1}, final="pruned"), make(1, gap=0.3, varied={"a": 2})]
    assert answer(found(jobs))[0].startswith(
        "At 0.05, the best pruned model that holds (a=1) keeps"
    )


def test_the_basis(make):
    jobs = [
        make(2 * n + s, gap=0.03 + n, seed=s, varied={W: n}) for n in range(2) for s in range(2)
    ]
    assert basis(found(jobs), 0.95, 0.9, 3) == [
        "The gap is the largest difference of selection rate by sex "
        "(demographic_parity_difference).",
        "With 3 classes every rate is of one class against the rest, and the worst class counts.",
        "The student is the most accurate one within the threshold, both on validation; all "
        "numbers are on test, which chose nothing.",
        "Intervals are 95% Student t intervals of means over 2 repetitions (data split, teacher "
        "and student vary together), which are few: they are wide; differences are paired.",
    ]
    own = Headline("smallest_ratio_of_f1", "race")
    assert (
        basis(found([make(0, headline=own)]), 0.95, 0.9, 2)[0]
        == "The gap is smallest_ratio_of_f1 by race."
    )


def test_numbers_in_words():
    assert points(-0.0004) == "+0.0"
    assert points(-0.006) == "-0.6"
    assert points(math.nan) == "undefined"
    assert share(0.8391) == "83.9%"
    assert share(math.nan) == "undefined"
    assert [times(factor) for factor in (1.04, 9.94, 9.96, 31.4)] == ["1.0", "9.9", "10", "31"]
    assert change(over_rows(0.004, -0.002, 0.01)) == "+0.4 points [-0.2, 1.0]"
