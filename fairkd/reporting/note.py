"""A run's note, which MLflow shows above everything else: the trio in a table, and a picture."""

import math
from collections.abc import Collection, Iterator

from fairkd.job_folder import FIGURES
from fairkd.record import JobRecord
from fairkd.reporting.markdown import plain, table
from fairkd.serving.line import serve_line
from fairkd.sweeps.numbers import count, number, with_ends

PICTURE = "groups.png"
"""Of a run's figures the one that its note shows."""

_HEADINGS = ("on test", "accuracy", "gap", "parameters", "bytes")


def note(
    record: JobRecord, run_id: str, figures: Collection[str] = (), serves: str = "student"
) -> str:
    """The note as Markdown; no name from the data can become more than text.

    Args:
        record: what was measured.
        run_id: of the run; empty without tracking.
        figures: the names of the pictures among its artifacts.
        serves: the name of the model that is served.
    """
    headline = record.headline
    rows = [_row(record, model) for model in record.trio.models]
    gap = f"The gap is {plain(headline.metric.replace('_', ' '))} by {plain(headline.block)}."
    parts = [table(_HEADINGS, rows), " ".join([gap, *_verdicts(record)])]
    if PICTURE in figures:
        # MLflow's server hands out artifacts beside its pages.
        source = f"get-artifact?path={FIGURES}%2F{PICTURE}&run_uuid={run_id}"
        parts.append(f"![Rates by group]({source})")
    final = record.trio.final
    if serves != final:
        parts.append(
            f"What can be served is the {plain(serves)} and not the {plain(final)}, whose gap and "
            "bounds these are."
        )
    parts.append(
        f"To answer raw rows with the {plain(serves)}, where MLFLOW_TRACKING_URI names this "
        f"tracking store: `{serve_line(f'runs:/{run_id}/student')}`"
    )
    return "\n\n".join(parts)


def _row(record: JobRecord, model: str) -> list[str]:
    evaluation, cost = record.trio.evaluations[model], record.trio.costs[model]
    ends = evaluation.intervals.get(record.headline.name)
    gap = with_ends(record.disparity(model, "test"), ends)
    accuracy = number(evaluation.metrics["accuracy"])
    return [plain(model), accuracy, gap, count(cost.parameters), count(cost.bytes)]


def _verdicts(record: JobRecord) -> Iterator[str]:
    final = record.trio.final
    change = record.disparity(final, "test") - record.disparity("control", "test")
    if not math.isnan(change):
        yield f"From the control to the {plain(final)} it changes by {number(change, signed=True)}."
    if record.holds is not None:
        yield "Every bound holds on test." if record.holds else "A bound is broken on test."
    if record.certificate is not None:
        yield "Certified." if record.certificate.certified else "Not certified."
