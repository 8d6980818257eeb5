import math

import pytest

from fairkd.reporting.gate.condition import Condition, ConditionError, read


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("test/disparity<=0.05", Condition("test/disparity", "<=", 0.05)),
        (" test/accuracy >= 83e-2 ", Condition("test/accuracy", ">=", 0.83)),
        ("a/b-c_d.e<-1", Condition("a/b-c_d.e", "<", -1.0)),
        ("test/holds==1", Condition("test/holds", "==", 1.0)),
        ("test/x y>.5", Condition("test/x y", ">", 0.5)),
    ],
)
def test_what_is_a_condition(text: str, condition: Condition) -> None:
    assert read(text) == condition


@pytest.mark.parametrize(
    "text",
    ["test/accuracy=0.8", "test/accuracy", "<=0.05", "a<=b<=1", "a=>1", "a<=", "a<=1 2", "a!=1"],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ConditionError, match="is not a condition; write it like"):
        read(text)


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "five", "0,05"])
def test_its_number_is_finite(number: str) -> None:
    with pytest.raises(ConditionError, match=f"'{number}' in 'a<={number}' is not a finite number"):
        read(f"a<={number}")


@pytest.mark.parametrize(
    ("sign", "below", "equal", "above"),
    [
        ("<=", True, True, False),
        (">=", False, True, True),
        ("<", True, False, False),
        (">", False, False, True),
        ("==", False, True, False),
    ],
)
def test_when_it_holds(sign: str, below: bool, equal: bool, above: bool) -> None:
    condition = Condition("a", sign, 0.5)
    values = (math.nextafter(0.5, 0), 0.5, math.nextafter(0.5, 1))
    assert [condition.holds(value) for value in values] == [below, equal, above]
    assert not condition.holds(math.nan)
    assert math.isnan(condition.slack(math.nan))


def test_slack_is_negative_on_the_wrong_side() -> None:
    assert Condition("a", "<=", 0.5).slack(0.25) == Condition("a", ">", 0.5).slack(0.75) == 0.25
    assert Condition("a", "<", 0.5).slack(0.75) == Condition("a", ">=", 0.5).slack(0.25) == -0.25
    assert Condition("a", "==", 0.5).slack(0.25) == Condition("a", "==", 0.5).slack(0.75) == -0.25


def test_the_worse_end() -> None:
    assert Condition("a", "<=", 0.5).worse(0.1, 0.9) == Condition("a", "<", 1).worse(0, 0.9) == 0.9
    assert Condition("a", ">=", 0.5).worse(0.1, 0.9) == Condition("a", ">", 1).worse(0.1, 1) == 0.1
    with pytest.raises(ConditionError, match="bounds=true cannot be used with 'a == 1'"):
        Condition("a", "==", 1).worse(0.1, 0.9)
