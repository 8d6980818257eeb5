from collections.abc import Callable
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from fairkd.data.blocks import Blocks
from fairkd.data.dataset import Dataset
from fairkd.data.tinted import load_tinted
from fairkd.reporting.dataset.facts import facts_of
from fairkd.reporting.dataset.terminal import show_facts

Build = Callable[..., Dataset]


def shown(data: Dataset) -> str:
    text = StringIO()
    show_facts(facts_of(data, 0.2), Console(file=text, width=100))
    return text.getvalue()


def test_what_is_shown(dataset: Build) -> None:
    text = shown(dataset())
    for line in (
        "hirings: 400 rows (train 225, validation 75, test 100)",
        "label hired: no 58.0%, yes 42.0%; positive: yes",
        "base rates by sex differ by up to 0.300, with confidence 0.95 by at most 0.3",
        "4 rows are in no known group of sex",
        "pay is missing in 7.5% of rows (m 0.0%, f 30.0%)",
        "60 rows would certify with constraint.confidence=0.95",
        "by sex: selection rate 0.",
    ):
        assert line in text
    assert "0.200 [0.127, 0.292]" in text
    assert max(map(len, text.splitlines())) <= 100


def test_kept_rows_and_lines_of_the_loader_are_told(dataset: Build) -> None:
    text = shown(replace(dataset(certify_fraction=0.3), told=("unit is left out: constant",)))
    assert "90 rows are kept to certify" in text
    assert "unit is left out: constant" in text


def test_small_cells_are_told_with_what_they_allow(dataset: Build) -> None:
    text = shown(dataset())
    small = next(line for line in text.splitlines() if "sex=f has" in line and "yes" in line)
    assert "a rate over them is known to about \u00b10." in small


def test_names_from_the_data_are_only_text(dataset: Build) -> None:
    data = dataset()
    blocks = Blocks.of({"[red]sex\n": ("[bold]f", "m\x1b[31m")})
    text = shown(replace(data, blocks=blocks))
    assert "[red]sex" in text
    assert "[bold]f" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("classes", [("later", "no", "yes")])
def test_several_classes_are_shown_without_intervals(
    dataset: Build, classes: tuple[str, ...]
) -> None:
    text = shown(dataset(classes))
    assert "Groups of sex (shares of classes; intervals in its file)" in text


def test_images_are_arrays() -> None:
    data = load_tinted(name="tinted_digits", source="digits", groups=["tint"], seed=0)
    text = shown(data)
    assert "each row is an array of 3 x 8 x 8 numbers" in text
    assert "4 of 10 classes" in text
