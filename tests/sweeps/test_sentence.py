import math

from fairkd.record import Headline
from fairkd.sweeps.sentence import sentence
from fairkd.sweeps.summary import summarise


def test_the_best_of_several(make):
    jobs = [
        make(
            2 * n + s,
            a + s / 50,
            g + s / 100,
            seed=s,
            varied={"distillation.temperature": float(t), "constraint.weight": 0.3},
            control=(0.856, 0.172),
            teacher=(0.853, 0.176),
        )
        for n, (t, a, g) in enumerate([(4, 0.84, 0.02), (1, 0.83, 0.15)])
        for s in range(2)
    ]
    # Two repetitions, d apart: the half interval is t of one degree of freedom, 12.706, times d/2.
    assert sentence(summarise(jobs)) == (
        "Best of 2 configurations on validation: T=4, w=0.3: test accuracy 0.850 ± 0.127, "
        "gap 0.025 ± 0.064 (control 0.856, 0.172; teacher 0.853, 0.176), over 2 repetitions; "
        "student minus control, paired: accuracy -0.006 ± 0.127, gap -0.147 ± 0.064. "
        "The gap is demographic_parity_difference by sex. "
        "Data split, teacher and student vary together."
    )


def test_a_single_job(make):
    assert sentence(summarise([make(0, 0.8, 0.1, own_interval=(0.07, 0.14))])) == (
        "One configuration: test accuracy 0.800, gap 0.100 [0.070, 0.140 over test rows] "
        "(control 0.860, 0.170; teacher 0.850, 0.180), over 1 repetition. "
        "The gap is demographic_parity_difference by sex. "
        "Conditional on one data split, teacher and student seed."
    )


def test_undefined_numbers_are_named(make):
    partly = sentence(summarise([make(0, 0.8, 0.1), make(1, 0.8, math.nan, seed=1)]))
    assert "gap 0.100 (defined in 1 of 2)" in partly
    nowhere = sentence(summarise([make(0, 0.8, math.nan)]))
    assert nowhere.startswith("No configuration has a defined accuracy and gap")


def test_comparisons_each_have_a_best(make):
    odds = Headline("equalized_odds_difference", "sex")
    jobs = [make(0, varied={"a.b": 0}), make(1, varied={"a.b": 1}, headline=odds)]
    found = sentence(summarise(jobs))
    assert found.startswith("2 comparisons that do not mix. One configuration: b=0: ")
    assert "One configuration: b=1: " in found


def test_nothing_finished():
    assert sentence(summarise([])) == "No job finished: there is nothing to compare."
