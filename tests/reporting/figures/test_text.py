import pytest

from fairkd.reporting.figures.text import hover, literal, short, ticks


def test_what_plotly_would_read_as_markup_is_escaped():
    assert literal("<b>a</b> &amp; b\n c") == "&lt;b&gt;a&lt;/b&gt; &amp;amp; b c"


@pytest.mark.parametrize("most", [8, 24, 40])
def test_a_long_name_loses_its_middle(most):
    name = "a" * 100 + "z" * 100
    shown = short(name, most)
    assert len(shown) == most
    assert (shown[0], shown[-1]) == ("a", "z")
    assert short("a" * most, most) == "a" * most


def test_a_name_is_cut_before_it_is_escaped():
    assert short("<" * 30, 24).count("&lt;") == 23


def test_names_that_are_cut_alike_stay_distinct():
    names = [f"{'a' * 50}{n}{'z' * 50}" for n in range(3)]
    assert len(set(ticks([*names, "b"]))) == 4
    assert ticks(["b", "c"]) == ["b", "c"]


def test_a_hover_has_the_whole_name_in_lines_that_fit():
    name = "word " * 39 + "<i>"
    lines = hover(name, ["x"]).removeprefix("<b>").split("</b>")[0].split("<br>")
    assert " ".join(lines) == literal(name)
    assert max(map(len, lines)) <= 70
    assert hover("a", ["x", "y"]) == "<b>a</b><br>x<br>y"
