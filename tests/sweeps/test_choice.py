import math

import pytest

from fairkd.errors import ConfigError, DataError
from fairkd.record import Headline
from fairkd.sweeps.choice import best_repetition, best_row, within
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
    if found is None:
        with pytest.raises(DataError, match=rf"within threshold={threshold:g} on validation: the"):
            best_row(summary, threshold)
    else:
        assert best_row(summary, threshold) == found


def test_a_repetition_without_a_gap_is_no_promise(make):
    outcomes = [
        make(place, varied={"w": w}, seed=seed, validation=(0.9 - w / 10, gap))
        for place, (w, seed, gap) in enumerate([(0, 0, 0.01), (0, 1, nan), (1, 0, 0.02)])
    ]
    assert within(summarise(outcomes).rows, 0.05).varied == {"w": 1}


def test_without_a_threshold_the_first_of_the_summary(make):
    summary = sweep(make, [(0.9, 0.2), (0.85, 0.05), (0.7, 0.04)])
    assert best_row(summary) == summary.rows[0]
    assert best_row(summary).varied == {"w": 1}


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
        best_row(summarise([]))
    both = [make(0), make(1, varied={"a": 1}, headline=Headline("accuracy_difference", "race"))]
    sentence = r"2 comparisons that do not mix \(demographic_parity_difference by sex; accuracy_"
    with pytest.raises(DataError, match=sentence):
        best_row(summarise(both), 0.05)
    undefined = sweep(make, [(0.9, nan)])
    with pytest.raises(DataError, match="No configuration has a defined accuracy and gap"):
        best_row(undefined)
    with pytest.raises(DataError, match="it is undefined for all of them"):
        best_row(undefined, 0.1)
    with pytest.raises(ConfigError, match="threshold=nan"):
        best_row(undefined, nan)
