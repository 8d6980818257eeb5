"""Text that looks like numbers, and what is said of it."""

import pytest

from fairkd.data.number_forms import note_of


@pytest.mark.parametrize(
    "texts",
    [["1,234", "2,500"], ["1,234.50", "12"], ["1,234,567", "1.5"]],
    ids=["whole", "with decimals", "millions"],
)
def test_commas_between_thousands_are_not_called_decimal(texts: list[str]) -> None:
    assert note_of(texts).startswith(f"numbers with commas, such as '{texts[0]}'")


def test_decimal_commas_are_called_so() -> None:
    assert "data.decimal=','" in note_of(["1,5", "2,25", "1,234"])


@pytest.mark.parametrize("texts", [["12%", "3 %"], ["$1,200", "$3.50"], ["5 EUR", "1'000 EUR"]])
def test_signs_are_named(texts: list[str]) -> None:
    assert note_of(texts).startswith(f"numbers with signs, such as '{texts[0]}'")


@pytest.mark.parametrize("texts", [["Rome, Italy", "Oslo"], ["a%", "b%"], ["1-2", "3-4"], ["$"]])
def test_nothing_is_said_of_other_text(texts: list[str]) -> None:
    assert note_of(texts) == ""
