"""The intervals of a record, under the names that its numbers have in a tracked run."""

from collections.abc import Iterator

from fairkd.evaluation.evaluation import Evaluation
from fairkd.record import JobRecord
from fairkd.tracking.slug import metric_name

Interval = tuple[float, float]


def metric_intervals(record: JobRecord) -> dict[str, Interval]:
    """Lower and upper ends by metric, of all that have an interval.

    They are over test rows, each by itself at ``evaluation.confidence``; NaN where the metric is
    undefined. Among them are some of groups that the run itself holds in its tables alone.
    """
    trio = record.trio
    found: dict[str, Interval] = {}
    for bound in record.bounds.values():
        for model, ends in bound.intervals.items():
            found[metric_name("test", model, bound.metric, bound.block)] = ends
    for model, evaluation in trio.evaluations.items():
        found |= _named(("test", model), evaluation)
        for rule, matched in trio.matched.items():
            if model in matched.evaluations:
                found |= _named(("test", model, rule), matched.evaluations[model])
    for model, of_losses in record.membership.items():
        found |= _named(("test", model), of_losses)
    for model in ("student", *trio.further):
        start = ("test", "transfer") if model == "student" else ("test", model, "transfer")
        for changes in trio.changes(model).values():
            found |= _named(start, changes)
    overall = trio.evaluations[trio.final].intervals.get("accuracy")
    headline = record.disparity_interval(trio.final)
    short = {"test/accuracy": overall, "test/disparity": headline}
    return found | {name: ends for name, ends in short.items() if ends is not None}


def _named(start: tuple[str, ...], evaluation: Evaluation) -> Iterator[tuple[str, Interval]]:
    for name, ends in evaluation.intervals.items():
        yield metric_name(*start, *name.split("/", maxsplit=1)), ends
