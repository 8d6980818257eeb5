import json
import math
from dataclasses import replace

import pytest

from fairkd.evaluation.trio import MODELS
from fairkd.reporting.figures.job import job_figures
from fairkd.reporting.rates import statistics_of

NASTY = "<script>alert(1)</script> & <b>bold</b>"
LONG = "born in " + "x" * 184 + " country"


def figures(record):
    return {figure.name: figure for figure in job_figures(record)}


def visible(figure):
    return [trace for trace in figure.plot.data if trace.visible is not False]


def menu(figure):
    return [button.label for button in figure.plot.layout.updatemenus[0].buttons]


def test_a_record_has_every_figure_and_one_without_scores_fewer(make_record):
    record = make_record()
    names = ["groups-sex", "flips-sex", "training"]
    curves = ["roc-sex", "calibration-sex", "scores-sex", "membership-sex"]
    assert list(figures(record)) == names + curves
    bare = replace(record, scores={}, membership={}, histories={"student": [{"epoch": 0.0}]})
    assert list(figures(bare)) == names[:2]


def test_bars_are_each_groups_values_with_their_intervals(make_record):
    record = make_record(further=True)
    figure = figures(record)["groups-sex"]
    assert menu(figure) == ["accuracy", "selection rate"]
    shown = visible(figure)
    assert [trace.name for trace in shown] == [*MODELS, "pruned"]
    for trace in shown:
        found = record.trio.evaluations[trace.name]
        names = [f"selection_rate/sex.{cell}" for cell in ("Female", "Male")]
        assert list(trace.x) == [found.metrics[name] for name in names]
        for x, left, right, name in zip(
            trace.x, trace.error_x.arrayminus, trace.error_x.array, names, strict=True
        ):
            assert (x - left, x + right) == pytest.approx(found.intervals[name])
    assert len({trace.marker.color for trace in shown}) == 4
    assert len({trace.marker.pattern.shape for trace in shown}) == 4


def test_the_menu_has_the_headlines_rates_of_every_class(make_record):
    classes = ["a", "b", NASTY]
    figure = figures(make_record(classes=classes, metric="equalized_odds_difference"))["groups-sex"]
    assert len(menu(figure)) == 1 + 3 * 3
    assert menu(figure)[4] == "true positive rate of a"
    assert "false positive rate of &lt;script&gt;" in menu(figure)[-1]
    buttons = figure.plot.layout.updatemenus[0].buttons
    assert all(sum(button.args[0]["visible"]) == 3 for button in buttons)
    assert figure.plot.layout.updatemenus[0].active == 4
    assert figure.plot.layout.xaxis.title.text == "true positive rate of a (test)"


@pytest.mark.parametrize(
    ("metric", "rates"),
    [
        ("demographic_parity_ratio", ("selection_rate",)),
        ("equal_opportunity_difference", ("true_positive_rate",)),
        ("equalized_odds_mean", ("true_positive_rate", "false_positive_rate")),
        ("worst_group_accuracy", ("accuracy",)),
        ("average_difference_true_positive_rate", ("true_positive_rate",)),
        ("smallest_ratio_of_positive_predictive_value", ("precision",)),
        ("auc_difference", ("auc",)),
    ],
)
def test_a_disparity_compares_these_rates(metric, rates):
    assert statistics_of(metric) == rates


def test_flips_are_shares_to_both_sides_with_their_counts(make_record):
    record = make_record(further=True)
    figure = figures(record)["flips-sex"]
    pairs = ["student against control", "student against teacher"]
    further = ["pruned against student", "pruned against teacher"]
    assert menu(figure) == pairs + further
    table = record.trio.transfers["sex"].tables["sex/flips"].set_index(["group", "label"])
    lines = [(cell, label) for cell in ("Female", "Male") for label in ("no", "yes")]
    for trace, kind, side in zip(visible(figure), ("harmful", "beneficial"), (-1, 1), strict=True):
        column = f"{kind}_flips_from_control"
        expected = [side * table.loc[line, f"{column}_share"] for line in lines]
        assert list(trace.x) == pytest.approx(expected)
        for line, text in zip(lines, trace.hovertext, strict=True):
            rows = table.loc[line, "count"]
            assert f"{table.loc[line, column]:,} {kind} flips of {rows:,} row" in text
    total = int(table["harmful_flips_from_control"].sum())
    assert f"{total:,} harmful" in figure.caption


def test_models_that_decide_alike_have_no_flips_to_show(make_record):
    record = make_record()
    (name,) = record.trio.transfers
    transfer = record.trio.transfers[name]
    flips = transfer.flips[name]
    none = {kind: [0] * len(counts) for kind, counts in flips.counts.items() if kind != "count"}
    alike = replace(transfer, flips={name: replace(flips, counts={**flips.counts, **none})})
    trio = replace(record.trio, transfers={name: alike})
    assert "flips-sex" not in figures(replace(record, trio=trio))


def test_training_shows_losses_terms_the_disparity_and_the_kept_epoch(make_record):
    record = make_record()
    figure = figures(record)["training"]
    titles = [annotation.text for annotation in figure.plot.layout.annotations]
    assert titles[:3] == ["objective", "student: terms", "accuracy (validation)"]
    assert titles[3].startswith("demographic")
    named = {
        (trace.name, trace.yaxis): trace for trace in figure.plot.data if "lines" in trace.mode
    }
    assert list(named["student", "y"].y) == [row["val/loss"] for row in record.histories["student"]]
    assert list(named["student: penalty", "y2"].y) == [0.3 / (e + 1) for e in range(5)]
    kept = [trace for trace in figure.plot.data if trace.name == "kept epoch"]
    assert {trace.x for trace in kept} == {(4,)}
    assert {trace.x for trace in named.values()} == {(1, 2, 3, 4, 5)}
    assert "epoch 5: 0.220" in named["student", "y"].hovertext[4]
    assert "kept epoch 4: " in kept[0].hovertext[0]
    assert figure.plot.layout.xaxis4.title.text == "epoch (counted from 1)"
    assert kept[0].y == (record.histories["teacher"][3]["val/loss"],)
    assert [shape.y0 for shape in figure.plot.layout.shapes] == [0.05]
    assert "student 4 of 5" in figure.caption


@pytest.mark.parametrize(("threshold", "drawn"), [(0.05, [0.05]), (0.0, [])])
def test_a_bound_is_drawn_where_it_is_above_0(make_record, threshold, drawn):
    """A penalty's threshold of 0 is where it pulls to, not a bound that is to hold."""
    record = make_record()
    bounds = {"penalty": replace(record.bounds["penalty"], threshold=threshold)}
    figure = figures(replace(record, bounds=bounds))["training"]
    assert [line.y0 for line in figure.plot.layout.shapes if line.y0 == line.y1] == drawn


def test_a_kept_epoch_that_the_history_lacks_is_not_drawn(make_record):
    record = replace(make_record(), best_epochs={"student": 5})
    figure = figures(record)["training"]
    assert "kept epoch" not in [trace.name for trace in figure.plot.data]
    assert "Kept epochs" not in figure.caption


def test_multipliers_have_a_panel_of_their_own(make_record):
    record = make_record()
    history = [{**row, "train/penalty/multiplier": 0.1} for row in record.histories["student"]]
    figure = figures(replace(record, histories={"student": history}))["training"]
    assert figure.plot.layout.annotations[2].text == "student: multipliers"


def test_curves_are_those_of_the_scores(make_record):
    record = make_record(further=True)
    found = figures(record)
    scores = record.scores["student"]
    shown = visible(found["roc-sex"])
    assert [trace.name for trace in shown] == ["Female", "Male", "all rows"]
    for trace, cell in zip(shown, ("Female", "Male", None), strict=True):
        curve = scores.roc("sex", cell, "yes")
        assert list(trace.x) == pytest.approx(curve["false_positive_rate"], abs=1e-4)
        assert list(trace.y) == pytest.approx(curve["true_positive_rate"], abs=1e-4)
    assert menu(found["roc-sex"]) == ["student", "teacher", "control", "pruned"]
    upper, lower = visible(found["scores-sex"])[:2]
    density = scores.density("sex", "Female", "yes")
    assert list(upper.y) == pytest.approx(density[density["label"] == 1]["share"], abs=1e-4)
    assert list(lower.y) == pytest.approx(density[density["label"] == 0]["share"], abs=1e-4)
    assert lower.yaxis == "y2"


def test_calibration_in_wide_bins_keeps_every_row(make_record):
    record = make_record()
    trace = visible(figures(record)["calibration-sex"])[-1]
    fine = record.scores["student"].calibration("sex", None, "yes")
    first = fine[fine["score"] < 0.1]
    assert trace.x[0] == pytest.approx(
        (first["score"] * first["count"]).sum() / first["count"].sum(), abs=1e-4
    )
    assert trace.y[0] == pytest.approx(
        (first["share"] * first["count"]).sum() / first["count"].sum(), abs=1e-4
    )
    assert len(trace.x) == 10


def test_forty_groups_with_names_of_any_kind(make_record):
    cells = [*(f"group {n}" for n in range(37)), NASTY, LONG, LONG.replace("born", "bred")]
    record = make_record(cells=cells, rows=1500, empty=1, block="country")
    found = figures(record)
    for figure in found.values():
        assert "<script>" not in figure.plot.to_json()
        assert "<b>bold" not in figure.plot.to_json()
    groups = found["groups-country"]
    ticks = groups.plot.layout.yaxis.ticktext
    assert len(set(ticks)) == 40
    assert max(len(tick.partition(", n=")[0]) for tick in ticks[38:]) < 30
    assert "x" * 60 in groups.plot.data[0].hovertext[38].replace("<br>", "")
    assert groups.plot.layout.height > 1200
    assert math.isnan(groups.plot.data[0].x[39])
    assert "in 1 group, are undefined" in groups.caption
    assert len(visible(found["roc-country"])) == 13
    assert "of the 12 largest of 40 groups" in found["roc-country"].caption
    assert "2 pairs of group and label have no rows" in found["flips-country"].caption


def test_one_group_and_many_classes_are_figures_too(make_record):
    found = figures(make_record(cells=["everyone"], classes=["a", "b", "c"]))
    assert len(visible(found["groups-sex"])) == 3
    assert menu(found["roc-sex"])[:3] == ["student, a", "student, b", "student, c"]
    names = [figure.name for figure in found.values()]
    assert len(set(names)) == len(names)
    for figure in found.values():
        assert "nan" not in figure.caption
        assert "bdata" not in json.dumps(json.loads(figure.plot.to_json()))
