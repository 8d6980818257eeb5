import math
from dataclasses import replace

import pytest

from fairkd.record import Headline
from fairkd.reporting.note import note

GAP = "demographic_parity_difference/sex"


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def test_the_trio_in_a_table_with_intervals_and_sizes(measured) -> None:
    record = measured()
    heading, _, *rows = lines(note(record, "abc"))[:5]
    assert heading == "| on test | accuracy | gap | parameters | bytes |"
    for model, row in zip(("teacher", "control", "student"), rows, strict=True):
        found = record.trio.evaluations[model]
        low, high = found.intervals[GAP]
        size = "1,300 | 7,200" if model == "teacher" else "130 | 720"
        accuracy, gap = found.metrics["accuracy"], found.metrics[GAP]
        assert row == f"| {model} | {accuracy:.3f} | {gap:.3f} [{low:.3f}, {high:.3f}] | {size} |"


@pytest.mark.parametrize(
    ("threshold", "sentence"),
    [(1.0, "Every bound holds on test."), (1e-9, "A bound is broken on test.")],
)
def test_what_became_of_gap_and_bound(measured, threshold: float, sentence: str) -> None:
    record = measured(threshold=threshold)
    change = record.disparity("student", "test") - record.disparity("control", "test")
    told = lines(note(record, "abc"))[5]
    assert told == (
        "The gap is demographic parity difference by sex. From the control to the student it "
        f"changes by {change:+.3f}. {sentence}"
    )


def test_how_to_serve_it_and_its_picture(measured) -> None:
    *_, picture, serve = lines(note(measured(), "abc", ["roc.png", "groups.png"]))
    assert picture == "![Rates by group](get-artifact?path=figures%2Fgroups.png&run_uuid=abc)"
    assert serve == (
        "To answer raw rows with the student, where MLFLOW_TRACKING_URI names this tracking store: "
        "`mlflow models serve -m runs:/abc/student --env-manager local --host 127.0.0.1 --port "
        "5001`"
    )
    assert "![" not in note(measured(), "abc", ["roc.png"])


def test_names_from_the_data_stay_text(measured) -> None:
    record = measured()
    hostile = replace(record, headline=Headline("gap", "a|b<script>`*"))
    bounds = {name: replace(bound, block="a|b<script>`*") for name, bound in record.bounds.items()}
    metric = next(iter(bounds.values()))
    hostile = replace(hostile, bounds=bounds, headline=Headline(metric.metric, "a|b<script>`*"))
    text = note(hostile, "abc")
    assert r"by a\|b&lt;script&gt;\`\*." in text
    assert "<script>" not in text


def test_what_is_undefined_is_said(measured) -> None:
    record = measured()
    values = {
        split: dict.fromkeys(of, math.nan) for split, of in record.bounds["penalty"].values.items()
    }
    bounds = {"penalty": replace(record.bounds["penalty"], block="none", values=values)}
    headline = Headline("demographic_parity_difference", "none")
    text = note(replace(record, bounds=bounds, headline=headline), "abc")
    assert lines(text)[4].split(" | ")[2] == "undefined"
    assert lines(text)[5] == "The gap is demographic parity difference by none."


def test_a_final_model_that_is_not_served_is_said(measured) -> None:
    record = measured(further=("pruned", "optimised"))
    text = note(record, "abc", serves="pruned")
    assert (
        "What can be served is the pruned and not the optimised, whose gap and bounds these are."
    ) in text
    assert "To answer raw rows with the pruned, where" in text
    assert "What can be served" not in note(record, "abc", serves="optimised")
