import math

import pytest

from fairkd.errors import ConfigError, DataError
from fairkd.record import Headline
from fairkd.sweeps.choice import best_repetition, choose, in_words, only_comparison, within
from fairkd.sweeps.summary import summarise

nan = math.nan


def sweep(make, on_validation):
    """One configuration for each (accuracy, gap) on validation; on test the order is reversed."""
    return summarise(
        make(number, 1 - accuracy, 0.0, varied={"w": number}, validation=(accuracy, gap))
        for number, (accuracy, gap) in enumerate(on_validation)
    )


@pytest.mark.parametrize(
    ("on_validation", "threshold", "chosen"),
    [
        ([(0.9, 0.2), (0.8, 0.05), (0.7, 0.01)], 0.05, 1),  # the threshold itself is within
        ([(0.9, 0.2), (0.8, 0.05), (0.7, 0.01)], 0.3, 0),
        ([(0.8, 0.04), (0.8, 0.03), (0.8, 0.03)], 0.05, 1),  # the smaller gap, the lower number
        ([(0.9, nan), (0.7, 0.01), (nan, 0.01)], 0.05, 1),
        ([(0.9, 0.2), (0.8, nan)], 0.05, None),
        ([(0.8, -0.3), (0.9, 0.1)], 0.0, 0),
    ],
)
def test_the_most_accurate_within_a_threshold(make, on_validation, threshold, chosen):
    summary = sweep(make, on_validation)
    found = within(summary.rows, threshold)
    assert (None if found is None else found.varied["w"]) == chosen
    taken = choose(summary.rows, threshold)
    if found is None:
        assert taken is None or not taken.is_within
    else:
        assert (taken.row, taken.is_within) == (found, True)


def test_a_repetition_without_a_gap_is_no_promise(make):
    outcomes = [
        make(place, varied={"w": w}, seed=seed, validation=(0.9 - w / 10, gap))
        for place, (w, seed, gap) in enumerate([(0, 0, 0.01), (0, 1, nan), (1, 0, 0.02)])
    ]
    assert within(summarise(outcomes).rows, 0.05).varied == {"w": 1}


@pytest.mark.parametrize(
    ("on_validation", "chosen"),
    [
        ([(0.9, 0.2), (0.8, 0.07), (0.7, 0.06)], 2),
        ([(0.7, 0.06), (0.8, 0.06), (0.8, 0.06)], 1),  # of equal gaps the more accurate, the first
        ([(nan, 0.06), (0.8, nan), (0.7, 0.3)], 2),
        ([(nan, 0.06), (0.8, nan)], None),
    ],
)
def test_the_closest_where_none_is_within(make, on_validation, chosen):
    found = choose(sweep(make, on_validation).rows, 0.05)
    assert (None if found is None else found.row.varied["w"]) == chosen
    if found is not None:
        assert not found.is_within
        assert found.outcome.number == chosen


def test_a_closest_gap_is_defined_in_every_repetition(make):
    outcomes = [
        make(place, varied={"w": w}, seed=seed, validation=(0.8, gap))
        for place, (w, seed, gap) in enumerate([(0, 0, 0.06), (0, 1, nan), (1, 0, 0.2)])
    ]
    assert choose(summarise(outcomes).rows, 0.05).row.varied == {"w": 1}


def test_what_is_said_of_a_choice(make):
    rows = sweep(make, [(0.9, 0.2), (0.8, 0.06)]).rows
    assert in_words(choose(rows, 0.1), "w=1") == ("the most accurate whose gap is within 0.1 (w=1)")
    assert in_words(choose(rows, 0.05)) == (
        "the closest, with a gap of 0.060, for none is within 0.05"
    )


def test_one_model_of_a_configuration(make):
    measured = [(0.80, 0.02), (0.84, 0.08), (0.83, 0.03), (0.83, 0.03), (0.9, nan)]
    outcomes = [make(n, varied={}, seed=n, validation=one) for n, one in enumerate(measured[:4])]
    (row,) = summarise(outcomes).rows
    assert best_repetition(row, 0.04).number == 2
    assert best_repetition(row, 0.08).number == 1
    assert best_repetition(row).number == 2
    (row,) = summarise([*outcomes, make(4, varied={}, seed=4, validation=measured[4])]).rows
    assert best_repetition(row).number == 2


def test_refusals(make):
    with pytest.raises(DataError, match="There is no finished job"):
        only_comparison(summarise([]))
    both = [make(0), make(1, varied={"a": 1}, headline=Headline("accuracy_difference", "race"))]
    sentence = r"2 comparisons that do not mix \(demographic_parity_difference by sex; accuracy_"
    with pytest.raises(DataError, match=sentence):
        only_comparison(summarise(both))
    with pytest.raises(ConfigError, match="threshold=nan"):
        choose(sweep(make, [(0.9, 0.1)]).rows, nan)
