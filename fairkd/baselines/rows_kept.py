"""A fitted baseline in the store: the decisions of its rows as tensors, never its code."""

from dataclasses import asdict

import torch

from fairkd.baselines.baseline import MEASURED, Fit, Row
from fairkd.evaluation.compression import Cost
from fairkd.store import Content, Entry


def to_content(fit: Fit) -> Content:
    """What of a fit is kept."""
    tensors = {}
    for name, row in fit.rows.items():
        for split in MEASURED:
            tensors[f"{name}.{split}.probabilities"] = torch.from_numpy(row.probabilities[split])
            tensors[f"{name}.{split}.decisions"] = torch.from_numpy(row.decisions[split]).byte()
    rows = {
        name: {"cost": None if row.cost is None else asdict(row.cost), "adjusts": row.adjusts}
        for name, row in fit.rows.items()
    }
    return Content(
        tensors=tensors,
        record={"rows": rows, "facts": dict(fit.facts)},
        about={"rows": list(rows), "seconds": fit.seconds},
    )


def from_entry(entry: Entry) -> Fit:
    """The fit of which an entry keeps the content."""
    tensors = entry.tensors()
    rows = {}
    for name in entry.about["rows"]:
        kept = entry.record["rows"][name]
        cost = kept["cost"]
        if cost is not None:
            cost = Cost(**{**cost, "not_counted": tuple(cost["not_counted"])})
        rows[name] = Row(
            {split: tensors[f"{name}.{split}.probabilities"].numpy() for split in MEASURED},
            {split: tensors[f"{name}.{split}.decisions"].long().numpy() for split in MEASURED},
            cost,
            kept["adjusts"],
        )
    return Fit(rows, entry.record["facts"], entry.about["seconds"])
