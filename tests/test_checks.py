import math

import pytest

from fairkd import checks
from fairkd.errors import ConfigError


def _refused(function, *arguments, **bounds) -> str:
    with pytest.raises(ConfigError) as refused:
        function("trainer.knob", *arguments, **bounds)
    return str(refused.value)


@pytest.mark.parametrize(
    ("value", "bounds"),
    [
        (0.5, {}),
        (-3, {}),
        (0, {"least": 0}),
        (1, {"least": 0, "most": 1}),
        (1e-300, {"above": 0}),
        (5, {"most": 5}),
    ],
)
def test_a_number_within_its_bounds_comes_back_as_a_float(value, bounds):
    found = checks.number("knob", value, **bounds)
    assert found == value
    assert type(found) is float


@pytest.mark.parametrize(
    ("value", "bounds", "sentence"),
    [
        (0, {"above": 0}, "trainer.knob=0 is out of range; accepted: a number above 0."),
        (
            -0.1,
            {"least": 0},
            "trainer.knob=-0.1 is out of range; accepted: a number of at least 0.",
        ),
        (
            1.5,
            {"least": 0, "most": 1},
            "trainer.knob=1.5 is out of range; accepted: a number from 0 to 1.",
        ),
        (
            2,
            {"above": 0, "most": 1},
            "trainer.knob=2 is out of range; accepted: a number above 0 and of at most 1.",
        ),
        (
            6,
            {"most": 5.5},
            "trainer.knob=6 is out of range; accepted: a number of at most 5.5.",
        ),
        (math.nan, {}, "trainer.knob=nan is out of range; accepted: a number."),
        (
            math.inf,
            {"most": 1},
            "trainer.knob=inf is out of range; accepted: a number of at most 1.",
        ),
        ("1", {}, "trainer.knob=1 is not a number; accepted: a number."),
    ],
)
def test_any_other_number_is_refused_with_what_is_accepted(value, bounds, sentence):
    assert _refused(checks.number, value, **bounds) == sentence


@pytest.mark.parametrize("value", [True, None, [1], {"a": 1}])
def test_flags_nothing_and_lists_are_no_numbers(value):
    assert _refused(checks.number, value, above=0).endswith(
        " is not a number; accepted: a number above 0."
    )
    assert _refused(checks.whole, value).endswith(
        " is not a whole number; accepted: a whole number of at least 0."
    )


def test_a_whole_number_within_its_bounds_comes_back():
    assert checks.whole("knob", 0) == 0
    assert checks.whole("knob", 7, least=7, most=7) == 7


@pytest.mark.parametrize(
    ("value", "bounds", "sentence"),
    [
        (-1, {}, "trainer.knob=-1 is out of range; accepted: a whole number of at least 0."),
        (
            9,
            {"least": 1, "most": 8},
            "trainer.knob=9 is out of range; accepted: a whole number from 1 to 8.",
        ),
        (
            1.0,
            {"least": 1},
            "trainer.knob=1.0 is not a whole number; accepted: a whole number of at least 1.",
        ),
        (
            "3",
            {"least": 2},
            "trainer.knob=3 is not a whole number; accepted: a whole number of at least 2.",
        ),
    ],
)
def test_any_other_whole_number_is_refused(value, bounds, sentence):
    assert _refused(checks.whole, value, **bounds) == sentence


def test_a_choice_is_one_of_the_words():
    assert checks.choice("knob", "min", ("min", "max")) == "min"
    for value in ("Min", "", 1, None, ["min"]):
        assert _refused(checks.choice, value, ("min", "max")).endswith(
            " is not known; accepted: min, max."
        )
