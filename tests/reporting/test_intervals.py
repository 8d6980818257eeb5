import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from fairkd.evaluation.held import Held
from fairkd.record import Headline, JobRecord
from fairkd.reporting.intervals import metric_intervals

Measured = Callable[..., JobRecord]


@pytest.mark.parametrize("cells", [("f", "m"), ("age<25", "age>25", "a/b")])
def test_every_interval_is_around_its_metric(measured: Measured, cells: tuple[str, ...]) -> None:
    record = measured(cells=cells, further=("pruned",))
    metrics, intervals = record.metrics(), metric_intervals(record)
    without = {name.split("/")[2] for name in metrics.keys() - intervals if "/teacher/" in name}
    counts = {"count", "positives", "missing", "parameters", "nonzero", "bytes", "multiply_adds"}
    matched = {"equal_accuracy", "equal_selection_rate"}  # their thresholds
    assert without == {*counts, *matched, "latency_ms_batch_1", "latency_ms_batch_256"}
    for name in ("accuracy", "auc", "demographic_parity_difference/sex"):
        low, high = intervals[f"test/teacher/{name}"]
        assert low <= metrics[f"test/teacher/{name}"] <= high
    assert intervals["test/disparity"] == (
        metrics["test/disparity_low"],
        metrics["test/disparity_high"],
    )
    assert intervals["test/accuracy"] == intervals["test/pruned/accuracy"]
    assert "test/transfer/accuracy_change_from_control" not in intervals  # it is of groups alone
    change = "equal_opportunity_difference_change_from_control/sex"
    low, high = intervals[f"test/transfer/{change}"]
    assert low <= metrics[f"test/transfer/{change}"] <= high
    matched = intervals["test/student/equal_accuracy/accuracy"]
    assert matched[0] <= metrics["test/student/equal_accuracy/accuracy"] <= matched[1]


def test_a_bounds_own_disparity_has_its_own_interval(measured: Measured) -> None:
    held = Held("selection_rate", "average_difference", "sex", 0.1, {}, {"student": (0.1, 0.2)})
    held = replace(held, values={split: {"student": 0.15} for split in ("validation", "test")})
    headline = Headline(held.metric, "sex")
    record = replace(measured(), bounds={"own": held}, headline=headline)
    intervals = metric_intervals(record)
    assert intervals["test/disparity"] == (0.1, 0.2)
    assert intervals[f"test/student/{held.metric}/sex"] == (0.1, 0.2)


def test_what_is_undefined_has_an_interval_that_is(measured: Measured) -> None:
    intervals = metric_intervals(measured(cells=("f", "m", "x"), empty=("x",)))
    assert all(map(math.isnan, intervals["test/student/accuracy/sex.x"]))
