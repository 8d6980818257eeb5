"""What a data set holds: rows, columns, groups, base rates, gaps, and what it can certify."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from fairkd.data.dataset import CERTIFY, Dataset
from fairkd.data.inspection import Column
from fairkd.data.kinds import seen
from fairkd.evaluation.bound import Bound
from fairkd.evaluation.truth import Truth
from fairkd.reporting.dataset.groups import CONFIDENCE, Groups

STATISTICS = ("selection_rate", "true_positive_rate", "false_positive_rate")
"""Whose largest difference is said to be certifiable or not."""
_LEFT_OUT = "left out"


class Certifiable(NamedTuple):
    """The smallest bound on a statistic's largest difference that rows can show.

    Attributes:
        block: whose groups are compared.
        statistic: one of `STATISTICS`.
        bound: about the smallest that can be certified; 1 says nothing.
        rows: how many certify it.
    """

    block: str
    statistic: str
    bound: float
    rows: int


@dataclass(frozen=True, eq=False)
class Facts:
    """What a data set holds.

    Attributes:
        dataset: of which it is said.
        label: the label's column; None where there is no table.
        groups: by block.
        columns: in the table's order; none where there is no table.
        certifiable: by block and statistic.
    """

    dataset: Dataset
    label: str | None
    groups: Mapping[str, Groups]
    columns: tuple[Column, ...]
    certifiable: tuple[Certifiable, ...]

    @property
    def rows(self) -> dict[str, int]:
        """How many there are, by split."""
        return {name: batch.size for name, batch in self.dataset.splits.items()}

    @cached_property
    def shares(self) -> dict[str, float]:
        """Each class's share of all rows."""
        counts = next(iter(self.groups.values())).total.sum(axis=0)
        return dict(zip(self.dataset.classes, (counts / counts.sum()).tolist(), strict=True))

    def columns_table(self) -> pd.DataFrame:
        """A row a column: kind, distinct values, missing rows and their share, what it is for."""
        total = max(sum(self.rows.values()), 1)
        return pd.DataFrame(
            [
                {
                    "column": each.name,
                    "kind": each.kind,
                    "distinct": each.distinct,
                    "missing": each.missing,
                    "missing_share": each.missing / total,
                    "role": each.role,
                    "note": "; ".join(filter(None, (each.reason, each.note))),
                }
                for each in self.columns
            ]
        )

    @cached_property
    def missing(self) -> pd.DataFrame:
        """A row a feature that some rows lack: the share of all rows, and of each group's."""
        raw = self.dataset.raw
        names = [each.name for each in self.columns if each.role == "feature" and each.missing]
        absent = {
            name: np.concatenate([frame[name].isna().to_numpy() for frame in raw.values()])
            for name in names
        }
        found = pd.DataFrame(index=pd.Index(names, name="column"))
        found["all rows"] = [float(rows.mean()) for rows in absent.values()]
        for block, places in self._memberships().items():
            for g, cell in enumerate(self.groups[block].cells):
                inside = places == g
                found[f"{block}={cell}"] = [
                    float(rows[inside].mean()) if inside.any() else np.nan
                    for rows in absent.values()
                ]
        return found

    def _memberships(self) -> "dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]]":
        truths = truths_of(self.dataset)
        return {
            block: np.concatenate([truth.memberships[block] for truth in truths.values()])
            for block in self.groups
        }


def facts_of(dataset: Dataset, certify_fraction: float) -> Facts:
    """Look at a data set.

    Labels and groups are those that training, selection and evaluation are told of: a training row
    whose group was made uncertain on purpose counts as one without a group.

    Args:
        dataset: as a job loads it.
        certify_fraction: the share of the rows that are not test rows which would certify, where
            none are kept for it.
    """
    truths = truths_of(dataset)
    return Facts(
        dataset=dataset,
        label=None if dataset.preparation is None else dataset.preparation.label,
        groups={block: Groups.of(truths, block) for block in dataset.blocks.names},
        columns=tuple(dataset.columns) or tuple(_columns(dataset)),
        certifiable=tuple(_certifiable(dataset, certify_fraction)),
    )


def truths_of(dataset: Dataset) -> dict[str, Truth]:
    """Labels and groups of each split."""
    return {
        name: Truth.of(batch, dataset.blocks, dataset.classes)
        for name, batch in dataset.splits.items()
    }


def _columns(dataset: Dataset) -> Iterator[Column]:
    """The columns of a published table, whose loader chose the features."""
    preparation = dataset.preparation
    if preparation is None or not dataset.raw:
        return
    frame = pd.concat(list(dataset.raw.values()), ignore_index=True)
    for name in map(str, frame.columns):
        found = seen(frame[name])
        reason = ""
        if name == preparation.label:
            role = "label"
        elif name in preparation.groups.columns:
            role = "group"
        elif name in preparation.columns:
            role = "feature"
        else:
            role, reason = _LEFT_OUT, "not among the features (data.drop, or the data set's own)"
        yield Column(name, found.kind, found.distinct, found.missing, role, reason, found.note)


def _certifiable(dataset: Dataset, fraction: float) -> Iterator[Certifiable]:
    """By rows that are kept to certify, or by as many as would be, like those of validation."""
    kept = dataset.splits.get(CERTIFY)
    batch = dataset.splits["validation"] if kept is None else kept
    trained = dataset.splits["train"].size + dataset.splits["validation"].size
    rows = round(fraction * trained) if kept is None else kept.size
    for block in dataset.blocks:
        for statistic in STATISTICS:
            bound = Bound(statistic, "largest_difference", block, threshold=0.0)
            smallest = bound.smallest(batch, len(dataset.classes), CONFIDENCE, rows)
            yield Certifiable(block.name, statistic, smallest, rows)
