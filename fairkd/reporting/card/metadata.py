"""The metadata of a model card, as YAML between two lines of dashes.

The keys are those of https://github.com/huggingface/hub-docs/blob/main/modelcard.md; of each result
a task's type, a data set's type and name, and a metric's type and value are required there.
"""

import math
from collections.abc import Iterator
from typing import Any

import yaml

from fairkd.data.catalogue import entries
from fairkd.data.entry import Entry
from fairkd.evaluation.evaluation import Evaluation
from fairkd.record import JobRecord
from fairkd.reporting.console import DISPARITIES
from fairkd.reporting.recorded import RecordedJob
from fairkd.sweeps.numbers import interval

LIBRARY = "fairkd"
MARK = f"---\nlibrary_name: {LIBRARY}\n"
"""How the text of every card begins."""

_TABULAR, _IMAGE = "tabular-classification", "image-classification"
_IMAGE_LOADERS = ("fairkd.data.tinted.load_tinted",)
_OTHER = "other"
_OVERALL = {"accuracy": "accuracy", "auc": "roc_auc", "brier": "brier_score"}
"""What the community calls the record's metrics."""
_WIDTH = 100


def front_matter(job: RecordedJob, licence: str | None = None) -> str:
    """The metadata, with the lines around it.

    Args:
        job: whose final model the card is of.
        licence: of the model, which no run knows; one of the community's identifiers.
    """
    text = yaml.safe_dump(metadata(job, licence), sort_keys=False, allow_unicode=True, width=_WIDTH)
    return f"---\n{text}---"


def metadata(job: RecordedJob, licence: str | None = None) -> dict[str, Any]:
    """The metadata as plain values; what is undefined or not known is left out."""
    kind = task(job)
    name = data_name(job)
    results = list(_metrics(job.record))
    found: dict[str, Any] = {"library_name": LIBRARY}
    if licence is not None:
        found["license"] = _line(licence)
    if kind != _OTHER:
        found["pipeline_tag"] = kind
    found["tags"] = [
        *([kind] if kind != _OTHER else []),
        *("fairness", "knowledge-distillation", "model-compression"),
    ]
    found["datasets"] = [name]
    found["metrics"] = list(dict.fromkeys(one["type"] for one in results))
    data = {"type": name, "name": name, "split": "test"}
    if job.run.inputs:
        data["revision"] = _line(job.run.inputs[0].digest)
    result = {
        "task": {"type": kind, "name": kind.replace("-", " ").capitalize()},
        "dataset": data,
        "metrics": results,
    }
    found["model-index"] = [{"name": _line(job.run.name), "results": [result]}]
    return found


def data_name(job: RecordedJob) -> str:
    """What the data set is called."""
    data = job.configuration["data"]
    return _line(str(data.get("name") or job.run.tags.get("fairkd.data") or data["_target_"]))


def catalogued(job: RecordedJob) -> Entry | None:
    """What the catalogue says of the data set; ``None`` for one of the user's own."""
    data = job.configuration["data"]
    known = (data.get("_target_"), data.get("name"))
    return next((entry for entry in entries() if (entry.loader, entry.name) == known), None)


def task(job: RecordedJob) -> str:
    """The community's name of the task; ``other`` where the kind of rows is not known."""
    entry = catalogued(job)
    if entry is None:
        return _OTHER
    return _IMAGE if entry.loader in _IMAGE_LOADERS else _TABULAR


def _metrics(record: JobRecord) -> Iterator[dict[str, Any]]:
    measured = record.trio.evaluations[record.trio.final]
    for name, kind in _OVERALL.items():
        yield from _metric(measured, name, kind, name)
    metrics = dict.fromkeys((record.headline.metric, *DISPARITIES.values()))
    for block in record.trio.transfers:
        for metric in metrics:
            called = f"{metric.replace('_', ' ')} by {block}"
            yield from _metric(measured, f"{metric}/{block}", metric, called)


def _metric(measured: Evaluation, name: str, kind: str, called: str) -> Iterator[dict[str, Any]]:
    value = measured.metrics.get(name, math.nan)
    if math.isnan(value):
        return
    ends = interval(measured.intervals.get(name))
    yield {"type": kind, "value": round(value, 6), "name": _line(f"{called}{ends}")}


def _line(text: str) -> str:
    """On one line, so that nothing in it can end the metadata."""
    return " ".join(text.split())
