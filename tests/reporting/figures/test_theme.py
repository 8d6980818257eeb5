import plotly.graph_objects as go
import pytest

from fairkd.reporting import palette
from fairkd.reporting.figures import theme


def luminance(colour):
    """Relative luminance as WCAG 2 defines it, of #rrggbb."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_contrast_of_black_and_white_is_known():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("page", ["#ffffff", "#14171b"])
def test_data_stands_out_on_light_and_on_dark_pages(page):
    ends = [palette.SEQUENTIAL[0][1], palette.SEQUENTIAL[-1][1]]
    for colour in (*palette.COLOURS, palette.NEUTRAL, *ends):
        assert contrast(colour, page) > 2, colour


@pytest.mark.parametrize(("dark", "page"), [(False, "#ffffff"), (True, "#14171b")])
def test_text_is_readable_on_its_page_and_in_its_box(dark, page):
    layout = theme.template(dark).layout
    for background in (page, layout.hoverlabel.bgcolor):
        assert contrast(layout.font.color, background) > 7
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"


def test_the_dark_template_changes_colours_alone():
    def shape(part, path=""):
        if isinstance(part, list):
            part = dict(enumerate(part))
        if not isinstance(part, dict):
            return [] if "color" in path else [(path, part)]
        return [line for key, value in part.items() for line in shape(value, f"{path}.{key}")]

    light, dark = (theme.template(dark).to_plotly_json() for dark in (False, True))
    assert light != dark
    assert shape(light) == shape(dark)


def test_a_finished_plot_leaves_colours_to_the_template():
    plot = theme.finished(go.Figure(go.Scatter(x=[1], y=[1])), 300)
    layout = plot.to_plotly_json()["layout"]
    assert layout.pop("template") == theme.template().to_plotly_json()
    assert "color" not in str(layout)
    assert (layout["height"], "width" in layout) == (300, False)
