import math
from dataclasses import replace

import pytest

from fairkd.reporting.figures.frontier import frontier
from fairkd.sweeps.outcome import MEASURES
from fairkd.sweeps.summary import summarise

NASTY = "<script>alert(1)</script>"


def traces(figure):
    return {trace.name: trace for trace in figure.plot.data}


def students(figure):
    others = ("Pareto front", "control", "teacher")
    return [trace for trace in figure.plot.data if trace.name not in others]


def test_every_configuration_stands_at_its_means_with_its_intervals(grid):
    rows = grid(temperature=[1, 2, 4, 8], weight=[0, 0.1, 0.3, 1])
    drawn = {
        (x, y): (right, left, up, down)
        for trace in students(frontier(rows, None, 0.95))
        for x, y, right, left, up, down in zip(
            trace.x,
            trace.y,
            trace.error_x.array,
            trace.error_x.arrayminus,
            trace.error_y.array,
            trace.error_y.arrayminus,
            strict=True,
        )
    }
    assert len(drawn) == 16
    for row in rows:
        accuracy, disparity = (row.estimate("student", "test", m) for m in MEASURES)
        bars = drawn[disparity.mean, accuracy.mean]
        half = (
            disparity.half_width,
            disparity.half_width,
            accuracy.half_width,
            accuracy.half_width,
        )
        assert bars == pytest.approx(half)


def test_the_front_is_the_one_chosen_on_validation_in_its_order_there(job):
    # On test the third dominates all; on validation it is dominated.
    points = {0: (0.85, 0.2), 1: (0.80, 0.05), 2: (0.90, 0.01)}
    on_validation = {0: (0.85, 0.2), 1: (0.80, 0.05), 2: (0.70, 0.30)}
    jobs = [job(n, {"w": n}, 0, point) for n, point in points.items()]
    jobs = [
        replace(
            one,
            metrics={
                **one.metrics,
                "validation/accuracy": on_validation[one.number][0],
                "validation/disparity": on_validation[one.number][1],
            },
        )
        for one in jobs
    ]
    figure = frontier(summarise(jobs).rows, None, 0.95)
    front = traces(figure)["Pareto front"]
    assert list(zip(front.x, front.y, strict=True)) == [(0.05, 0.80), (0.2, 0.85)]
    assert "lines" in front.mode
    assert "2 configurations on the Pareto front" in figure.caption


def test_hovers_hold_label_numbers_and_runs(grid):
    rows = grid(temperature=[1, 2], weight=[0, 1])
    figure = frontier(rows, None, 0.95)
    text = next(
        text for trace in students(figure) for text in trace.hovertext if "T=2, w=1" in text
    )
    row = next(row for row in rows if row.varied["distillation.temperature"] == 2 and row.on_front)
    assert f"accuracy {row.estimate('student', 'test', 'accuracy').mean:.3f} [" in text
    assert f"minus control {row.minus_control['disparity'].mean:+.3f} [" in text
    assert "4 repetitions" in text
    assert all(f"run {outcome.run_id}" in text for outcome in row.outcomes)


def test_teacher_and_control_are_marked_once_with_their_intervals(grid):
    rows = grid(temperature=[1, 2], weight=[0, 1])
    control = traces(frontier(rows, None, 0.95))["control"]
    estimate = rows[0].estimate("control", "test", "disparity")
    assert list(control.x) == [estimate.mean]
    assert list(control.error_x.array) == pytest.approx([estimate.half_width])
    assert "control of 4 configurations" in control.hovertext[0]
    assert traces(frontier(rows, None, 0.95))["teacher"].marker.symbol != control.marker.symbol


def test_every_different_control_is_marked(job):
    jobs = [
        job(n, {"student.width": n}, 0, (0.8, 0.1), control=(0.8 + n / 100, 0.1)) for n in (1, 2)
    ]
    control = traces(frontier(summarise(jobs).rows, None, 0.95))["control"]
    assert sorted(control.y) == pytest.approx([0.81, 0.82])


def test_colours_follow_the_methods_where_they_vary(grid):
    hint = "distillation.terms.hint._target_"
    rows = grid(weight=[0, 1], **{hint: [None, "fairkd.distillation.feature.Hint"]})
    found = students(frontier(rows, None, 0.95))
    assert {trace.name for trace in found} == {"distillation=-", "distillation=hint"}
    assert len({trace.marker.color for trace in found}) == 2
    assert len({trace.marker.symbol for trace in found}) == 2


def test_without_methods_the_first_varied_key_gives_colours_in_its_order(grid):
    found = students(frontier(grid(temperature=[8, 1, 10], weight=[0, 1]), None, 0.95))
    assert [trace.name for trace in found] == ["T=1", "T=8", "T=10"]


def test_many_numbers_are_a_colour_scale(grid):
    (found,) = students(frontier(grid(weight=[n / 10 for n in range(9)]), None, 0.95))
    assert sorted(found.marker.color) == pytest.approx([n / 10 for n in range(9)])
    assert found.marker.colorbar.title.text == "w"


def test_bounds_are_drawn_where_given_or_varied(grid):
    rows = grid(constraint__threshold=[0.02, 0.1])
    assert [s.x0 for s in frontier(rows, 0.05, 0.95).plot.layout.shapes] == [0.05, 0.02, 0.1]
    assert not frontier(grid(weight=[0, 1]), None, 0.95).plot.layout.shapes


def test_undefined_configurations_are_counted_and_not_drawn(grid):
    rows = grid(weight=[0, 0.5, 1], undefined=4)
    figure = frontier(rows, None, 0.95)
    assert sum(len(trace.x) for trace in students(figure)) == 2
    assert "1 of 3 configurations is not drawn" in figure.caption
    assert frontier(grid(weight=[0, 1], undefined=8), None, 0.95) is None


def test_a_single_repetition_has_no_bars_and_says_so(grid):
    figure = frontier(grid(1, weight=[0, 1]), None, 0.95)
    assert all(math.isnan(end) for trace in students(figure) for end in trace.error_x.array)
    assert "A single repetition gives no intervals." in figure.caption


def test_names_from_data_are_no_markup(grid):
    plot = frontier(grid(method=[NASTY, "b" * 200]), None, 0.95).plot
    assert "<script>" not in plot.to_json()
    assert any("&lt;script&gt;" in trace.name for trace in plot.data)
    assert max(len(trace.name) for trace in plot.data) < 60
    assert any("b" * 50 in text for trace in plot.data for text in trace.hovertext or ())
