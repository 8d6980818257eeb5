from dataclasses import replace

import matplotlib.image
import numpy as np
import pytest

from fairkd.data.blocks import Blocks
from fairkd.data.dataset import Dataset
from fairkd.data.tinted import load_tinted
from fairkd.reporting.dataset.facts import Facts, facts_of
from fairkd.reporting.pictures import canvas
from fairkd.reporting.pictures.dataset import drawn, picture


@pytest.fixture(scope="module")
def facts() -> Facts:
    from fairkd.data.arrests import load_arrests

    return facts_of(load_arrests(groups=["colour", "sex"], seed=0), 0.2)


def test_bars_are_the_rows_and_points_the_base_rates(facts: Facts) -> None:
    with canvas.look():
        rows, rates, *_ = picture(facts).axes
    groups = facts.groups["colour"]
    widths = [bar.get_width() for bar in rows.patches]
    assert sum(widths) == groups.total[:-1].sum()
    assert widths[:2] == groups.counts["train"][:-1].sum(axis=1).tolist()
    (points,) = [line for line in rates.lines if line.get_marker() == "o"]
    np.testing.assert_array_equal(points.get_xdata(), groups.table()["base_rate"])


def test_a_picture_is_a_png_of_all_blocks(facts: Facts) -> None:
    from io import BytesIO

    image = matplotlib.image.imread(BytesIO(drawn(facts)))
    assert image.shape[1] > 700
    with canvas.look():
        assert len(picture(facts).axes) == 4


def test_any_name_can_be_drawn(facts: Facts) -> None:
    data = facts.dataset
    blocks = Blocks.of({"$x_": ("\u4eba$", "m"), "sex": ("f", "m")})
    assert drawn(facts_of(replace(data, blocks=blocks), 0.2)).startswith(b"\x89PNG")


def test_images_with_many_classes_can_be_drawn() -> None:
    data: Dataset = load_tinted(name="tinted_digits", source="digits", groups=["tint"], seed=0)
    assert drawn(facts_of(data, 0.2)).startswith(b"\x89PNG")
