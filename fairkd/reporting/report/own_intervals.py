"""Intervals for what is not repeated: over test rows, from the job's own record."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from fairkd.evaluation.intervals import mean_interval
from fairkd.record import JobRecord
from fairkd.reporting.recorded import RecordedJob
from fairkd.sweeps.estimate import Estimate
from fairkd.sweeps.outcome import Measure, Model, Split
from fairkd.sweeps.summary import Row

CONTROL = "control"


def with_own_intervals(row: Row, job: RecordedJob) -> Row:
    """A row whose estimates of a single job have that job's intervals; any other row as it is.

    The student's accuracy, and its changes against the control, paired by test row. The changes of
    what compression or a baseline put in the student's place are not recorded against the control,
    so they get none.

    Args:
        row: of a summary.
        job: its first one.
    """
    if row.repetitions != 1:
        return row
    record = job.record
    place: tuple[Model, Split, Measure] = ("student", "test", "accuracy")
    final = record.trio.evaluations[record.trio.final]
    accuracy = _with(row.estimates[place], final.intervals.get("accuracy"))
    changes = dict(row.minus_control)
    if record.trio.final == "student":
        block = row.headline.block
        intervals = record.trio.transfers[block].intervals if block in record.trio.transfers else {}
        name = f"{row.headline.metric}_change_from_{CONTROL}/{block}"
        changes["disparity"] = _with(changes["disparity"], intervals.get(name))
        changes["accuracy"] = _with(
            changes["accuracy"], _change_in_accuracy(record, block, job.confidence)
        )
    return replace(row, estimates={**row.estimates, place: accuracy}, minus_control=changes)


def _with(estimate: Estimate, ends: tuple[float, float] | None) -> Estimate:
    return estimate if ends is None else estimate.with_rows_interval(*ends)


def _change_in_accuracy(
    record: JobRecord, block: str, confidence: float
) -> tuple[float, float] | None:
    """Of the mean over rows: 1 where the student alone is right, -1 where the control alone is."""
    missing = record.trio.evaluations["student"].metrics.get(f"missing/{block}", 0.0)
    flips = (
        record.trio.transfers[block].flips.get(block) if block in record.trio.transfers else None
    )
    if flips is None or missing > 0:  # flips are counted by group
        return None
    totals: Mapping[str, int] = {name: sum(counts) for name, counts in flips.counts.items()}
    won = totals[f"beneficial_flips_from_{CONTROL}"]
    lost = totals[f"harmful_flips_from_{CONTROL}"]
    alike = totals["count"] - won - lost
    low, high, _ = mean_interval(np.repeat([1.0, -1.0, 0.0], [won, lost, alike]), confidence)
    return None if math.isnan(low) else (low, high)
