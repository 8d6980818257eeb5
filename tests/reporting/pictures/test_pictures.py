import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from io import BytesIO

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from fairkd.reporting.pictures import (
    calibration,
    curves,
    flips,
    group_bars,
    roc,
    score_distributions,
)
from fairkd.reporting.pictures.canvas import look
from fairkd.reporting.pictures.gallery import PICTURES, drawn

ODD = ("<script>$x^2$</script> " * 9)[:200]
ODDLY = {"cells": [ODD, f"{ODD[:199]}!", "$", r"a_b^{c} \$5"], "block": "$x_1$ <b>"}
FORTY = {"cells": [f"group {place}" for place in range(40)], "n": 2000}
PNG = b"\x89PNG\r\n"
UNITS = {
    "groups.png": "accuracy (share of rows)",
    "roc.png": "(share of rows)",
    "calibration.png": "(probability)",
    "scores.png": "(% of their rows)",
    "training.png": "epoch (counted from 1)",
    "flips.png": "% of the group's rows",
}


def _texts(figure) -> list[str]:
    """Every text as it is shown, by the SVG's own parser and not by matplotlib's."""
    content = BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        figure.savefig(content, format="svg")
    root = ElementTree.fromstring(content.getvalue())
    return ["".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("name", PICTURES)
def test_names_are_shown_letter_by_letter_beside_models_and_units(record_of, name):
    with look():
        texts = _texts(PICTURES[name](record_of(**ODDLY)))
    assert any("$x_1$ <b>" in text for text in texts)
    assert any(UNITS[name] in text for text in texts)
    if name != "training.png":
        assert sum(text.startswith("<script>$x^2$") for text in texts) >= 2
        assert {"$", r"a_b^{c} \$5"} <= {text.partition(",")[0] for text in texts}
    if name != "flips.png":
        assert {"teacher", "control", "student"} <= set(texts)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        *((name, ODDLY) for name in ("groups.png", "flips.png", "scores.png", "training.png")),
        *((name, {"cells": ["everyone"]}) for name in ("groups.png", "flips.png", "scores.png")),
        *((name, FORTY) for name in ("groups.png", "flips.png")),
        pytest.param("roc.png", FORTY, marks=pytest.mark.slow),
    ],
)
def test_nothing_is_cut_off(record_of, name, given):
    with look():
        figure = PICTURES[name](record_of(**given))
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    width, height = figure.bbox.size
    for part in [*figure.axes, *figure.legends, figure._suptitle]:
        if part.get_visible():
            box = part.get_tightbbox(canvas.get_renderer())
            assert box.x0 > -1
            assert box.y0 > -1
            assert box.x1 < width + 1
            assert box.y1 < height + 1


def test_bars_are_as_long_as_what_was_measured(record_of):
    record = record_of()
    with look():
        figure = group_bars.picture(record)
    for ax, metric in zip(figure.axes, ("accuracy", "selection_rate"), strict=True):
        lengths = [bar.get_width() for bar in ax.patches]
        assert lengths == [
            record.trio.evaluations[model].metrics[f"{metric}/sex.{cell}"]
            for model in ("teacher", "control", "student")
            for cell in ("f", "m")
        ]


def test_flips_are_shares_of_each_groups_rows(record_of):
    record = record_of()
    with look():
        figure = flips.picture(record)
    table = record.trio.transfers["sex"].tables["sex/flips"]
    by_group = table.groupby("group").sum(numeric_only=True)
    share = 100 * by_group["harmful_flips_from_control"] / by_group["count"]
    found = [-bar.get_width() for bar in figure.axes[0].patches[:2]]
    assert found == pytest.approx(share.loc[["f", "m"]].tolist())


def test_a_group_without_rows_is_said_to_be_undefined(record_of):
    record = record_of()
    evaluations = dict(record.trio.evaluations)
    metrics = {**evaluations["student"].metrics, "accuracy/sex.m": float("nan")}
    evaluations["student"] = replace(evaluations["student"], metrics=metrics)
    with look():
        figure = group_bars.picture(
            replace(record, trio=replace(record.trio, evaluations=evaluations))
        )
    assert [text.get_text().strip() for text in figure.axes[0].texts] == ["undefined"]
    assert not figure.axes[1].texts


def test_of_very_many_groups_the_largest_are_drawn_and_it_is_said(record_of, monkeypatch):
    monkeypatch.setattr("fairkd.reporting.pictures.canvas.MOST_GROUPS", 3)
    record = record_of(cells=[*"abcd"])
    rows = {
        cell: record.trio.evaluations["student"].metrics[f"count/sex.{cell}"] for cell in "abcd"
    }
    with look():
        texts = _texts(flips.picture(record))
    assert any("the 3 largest of 4 groups" in text for text in texts)
    named = [text[0] for text in texts if ", n = " in text]
    assert named == sorted(set("abcd") - {min(rows, key=rows.get)})


def test_every_class_has_its_row_and_of_many_the_decided_one(record_of):
    with look():
        several = roc.picture(record_of(classes=["a", "b", "c"]))
        many = score_distributions.picture(record_of(classes=[str(k) for k in range(11)]))
    titles = [ax.get_title(loc="left").splitlines() for ax in several.axes]
    assert [lines[-1] for lines in titles] == ["a"] * 3 + ["b"] * 3 + ["c"] * 3
    assert "wrong (down), right (up)" in many.axes[0].get_ylabel()


def test_multipliers_have_a_panel_where_there_are_any(record_of):
    with look():
        with_them = curves.picture(record_of(multipliers=["multiplier/0", "multiplier/1"]))
        without = curves.picture(record_of(multipliers=[]))
    assert (len(with_them.axes), len(without.axes)) == (3, 2)
    lines = with_them.axes[2].get_lines()
    assert [line.get_label() for line in lines] == ["bound multiplier 0", "bound multiplier 1"]
    assert np.allclose(lines[1].get_ydata(), 1.1 * np.arange(12))


def test_what_a_record_does_not_have_is_not_drawn(record_of):
    record = replace(record_of(epochs=1), scores={})
    assert set(drawn(record)) == {"groups.png", "flips.png"}
    for module in (roc, calibration, score_distributions, curves):
        assert module.picture(record) is None


def test_a_picture_is_the_same_whatever_a_user_has_set(record_of):
    record = record_of(cells=["日本", "f"])  # letters that the font lacks
    expected = drawn(record)
    with matplotlib.rc_context({"text.usetex": True, "font.size": 30, "figure.facecolor": "red"}):
        assert drawn(record) == expected
    assert all(content.startswith(PNG) for content in expected.values())
