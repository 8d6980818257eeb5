import json
import math
import re

import pytest

from fairkd.record import Headline
from fairkd.reporting.figures.sweep import sweep_figures
from fairkd.reporting.figures.theme import template
from fairkd.sweeps.differences import differences

TEMPERATURES, WEIGHTS = [1, 2, 4, 8], [0, 0.1, 0.3, 1]


def figures(rows, **options):
    return {figure.name: figure for figure in sweep_figures(rows, **options)}


@pytest.fixture
def rows(grid):
    return grid(temperature=TEMPERATURES, weight=WEIGHTS)


def test_a_whole_grid_has_every_figure_and_a_lone_job_the_frontier(rows, grid):
    whole = ["frontier", "temperature", "heat-map", "differences", "stability", "parallel"]
    assert list(figures(rows)) == whole
    assert list(figures(grid(1, temperature=[1]))) == ["frontier"]
    assert sweep_figures([]) == []
    assert list(figures(grid(weight=[0, 1]))) == ["frontier", "differences", "stability"]


def test_temperature_has_a_line_for_each_setting_of_the_rest(grid):
    rows = grid(temperature=TEMPERATURES, distillation__temperature_scaling=["squared", "none"])
    figure = figures(rows)["temperature"]
    lines = [t for t in figure.plot.data if t.name and t.name.endswith("T\u00b2")]
    assert {trace.name for trace in lines} == {"with T\u00b2", "without T\u00b2"}
    assert len({trace.line.dash for trace in lines}) == 2
    assert [list(trace.x) for trace in lines] == [TEMPERATURES] * 4
    estimates = {
        (row.varied["distillation.temperature_scaling"], row.varied["distillation.temperature"]): (
            row.estimate("student", "test", "disparity")
        )
        for row in rows
    }
    for trace in lines[:2]:  # the upper panel
        setting = "squared" if trace.name == "with T\u00b2" else "none"
        expected = [estimates[setting, t] for t in TEMPERATURES]
        assert list(trace.y) == [estimate.mean for estimate in expected]
        assert list(trace.error_y.array) == pytest.approx([e.half_width for e in expected])


def test_the_control_is_a_band_beside_temperatures(rows):
    control = rows[0].estimate("control", "test", "disparity")
    band = next(t for t in figures(rows)["temperature"].plot.data if t.fill == "toself")
    assert set(band.y) == {control.low, control.high}
    assert set(band.x) == {1, 8}


def test_lines_above_the_most_are_the_best_and_it_is_said(grid):
    figure = figures(grid(temperature=[1, 2], weight=[n / 10 for n in range(9)]))["temperature"]
    assert len({t.name for t in figure.plot.data if t.name and t.name.startswith("w=")}) == 6
    assert "the 6 best of 9 lines" in figure.caption


def test_an_undefined_disparity_is_a_gap_and_counted(grid):
    figure = figures(grid(temperature=[1, 2, 4], undefined=4))["temperature"]
    upper = next(trace for trace in figure.plot.data if trace.name == "students")
    assert math.isnan(upper.y[0])
    assert upper.connectgaps is False
    assert "1 undefined value left as a gap" in figure.caption


def test_the_heat_map_holds_the_paired_changes(rows):
    disparity, accuracy = figures(rows)["heat-map"].plot.data
    change = {
        (row.varied["distillation.temperature"], row.varied["constraint.weight"]): (
            row.minus_control
        )
        for row in rows
    }
    for place, measure in ((disparity, "disparity"), (accuracy, "accuracy")):
        expected = [[change[t, w][measure].mean for t in TEMPERATURES] for w in WEIGHTS]
        assert [list(line) for line in place.z] == expected
        assert place.zmin == -place.zmax
    # Less disparity and more accuracy are both the scale's good end.
    assert (disparity.reversescale, accuracy.reversescale) == (False, True)


def test_a_heat_map_stands_at_the_best_values_of_the_rest_and_wants_a_grid(grid):
    rows = grid(alpha=[0.1, 0.9], rate=[1, 2], method=["a", "b"])
    figure = figures(rows)["heat-map"]
    best = {tuple(row.varied.values()): row for row in rows}
    method = rows[0].varied["method"]
    assert f"(method={method})" in figure.caption
    assert figure.plot.data[0].z[0][0] == best[0.1, 1, method].minus_control["disparity"].mean
    diagonal = [
        row for row in grid(a=[1, 2, 3, 4], b=[1, 2, 3, 4]) if len(set(row.varied.values())) == 1
    ]
    assert "heat-map" not in figures(diagonal)


def test_stability_has_every_repetition_of_the_best_control_and_teacher(rows):
    figure = figures(rows)["stability"]
    student = next(trace for trace in figure.plot.data if trace.name == "student")
    points = list(zip(student.y, student.x, strict=True))
    assert points == [
        (line, job.metrics["test/disparity"])
        for line, row in enumerate(rows[:10])
        for job in row.outcomes
    ]
    assert list(figure.plot.layout.yaxis.ticktext[-2:]) == ["control", "teacher"]
    assert "of the best 10 of 16 configurations" in figure.caption
    control = next(trace for trace in figure.plot.data if trace.name == "control")
    assert set(control.y) == {10}
    assert len(control.x) == 4


def test_the_forest_plot_holds_the_differences(rows):
    figure = figures(rows)["differences"]
    found = {(d.configuration, d.measure): d for d in differences(rows)}
    drawn = {}
    for trace in figure.plot.data:
        measure = "accuracy" if trace.xaxis == "x2" else "disparity"
        for line, x, right in zip(trace.y, trace.x, trace.error_x.array, strict=True):
            drawn[rows[line].configuration, measure] = x, right, trace.marker.symbol
    assert drawn.keys() == found.keys()
    for key, (x, right, symbol) in drawn.items():
        assert x == found[key].estimate.mean
        assert right == pytest.approx(found[key].estimate.half_width)
        assert (symbol == "circle") == (found[key].corrected < 0.05)
    clear = sum(d.corrected < 0.05 for d in found.values())
    assert f"over 32 paired t tests, {clear} difference" in figure.caption
    hovers = [text for trace in figure.plot.data for text in trace.hovertext]
    assert all(re.search(r"p: (&lt; )?0\.", text) for text in hovers)


def test_a_difference_without_a_test_is_not_said_to_be_large(grid):
    rows = grid(repetitions=4, weight=[0, 1], undefined=3)  # of the first, one gap is defined
    figure = figures(rows)["differences"]
    (untested,) = [trace for trace in figure.plot.data if trace.name == "no test"]
    (line,) = untested.y
    assert (rows[line].varied, untested.xaxis) == ({"constraint.weight": 0}, "x")
    assert "no test: it takes 2 repetitions" in untested.hovertext[0]
    drawn = [(trace.xaxis, y) for trace in figure.plot.data for y in trace.y]
    assert len(drawn) == len(set(drawn)) == 4
    assert figure.caption.endswith("1 has no test.")


def test_parallel_coordinates_hold_keys_and_measures(rows):
    (lines,) = figures(rows)["parallel"].plot.data
    assert [axis.label for axis in lines.dimensions] == ["T", "w", "accuracy", "disparity"]
    assert list(lines.dimensions[0].ticktext) == ["1", "2", "4", "8"]
    ticks = list(lines.dimensions[0].ticktext)
    shown = [float(ticks[place]) for place in lines.dimensions[0].values]
    assert shown == [row.varied["distillation.temperature"] for row in rows]
    gaps = [row.estimate("student", "test", "disparity").mean for row in rows]
    assert list(lines.dimensions[3].values) == gaps
    assert list(lines.line.color) == gaps


def test_names_are_unique_captions_whole_and_the_look_common(rows):
    found = sweep_figures(rows, threshold=0.05)
    assert len({figure.name for figure in found}) == len(found)
    for figure in found:
        assert "nan" not in figure.caption
        assert figure.caption.endswith(".")
        plain = json.loads(figure.plot.to_json())
        assert plain["layout"]["template"] == template().to_plotly_json()
        assert "bdata" not in json.dumps(plain)  # numbers that anything can read


def test_groups_in_axis_titles_are_no_markup(grid):
    rows = grid(temperature=[1, 2], headline=Headline("accuracy_difference", "<i>sex</i>"))
    for figure in sweep_figures(rows):
        assert "<i>" not in figure.plot.to_json()
