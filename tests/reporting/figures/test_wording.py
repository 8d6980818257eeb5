import pytest

from fairkd.record import Headline
from fairkd.reporting.figures.wording import axis_words

GAP = Headline("demographic_parity_difference", "sex")


def test_an_axis_title_is_whole_where_there_is_room():
    assert axis_words("disparity", GAP) == "demographic parity difference by sex (test)"
    assert axis_words("disparity", GAP, "minus control", 24, 3) == (
        "demographic parity<br>difference by sex minus<br>control"
    )
    assert axis_words("accuracy", GAP) == "accuracy (share of test rows)"
    assert axis_words("accuracy", GAP, width=24, lines=3) == "accuracy (share of test<br>rows)"


@pytest.mark.parametrize("block", ["planted_sepal", "x" * 200, "a b " * 50])
@pytest.mark.parametrize(("width", "lines"), [(48, 1), (38, 2), (24, 3)])
def test_an_axis_title_takes_no_more_lines_than_there_is_room_for(block, width, lines):
    headline = Headline("demographic_parity_difference", block)
    found = axis_words("disparity", headline, "minus control", width, lines).split("<br>")
    assert len(found) <= lines
    assert max(map(len, found)) <= width
    assert " ".join(found).endswith("minus control")
