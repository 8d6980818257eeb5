"""The rows that one model decides rightly and another wrongly, one by one.

`fairkd.evaluation.flips` counts them; here are their places, so that a person can read the rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fairkd.evaluation.predictions import Predictions

MOST_ROWS = 200
"""Of each kind and reference."""

REFERENCES = ("control", "teacher")
HARMFUL, BENEFICIAL = "harmful", "beneficial"
_DIGITS = 4


@dataclass(frozen=True)
class Flipped:
    """Rows of test on which a job's final model and a reference are not both right or both wrong.

    Attributes:
        classes: the names of the classes.
        cells: the names of each block's cells.
        final: the name of the model that is compared with the references.
        rows: the listed rows' places in the split, ascending, each once.
        labels: their class indices.
        groups: by block, their cells; -1 where the group is missing.
        decided: by model, its decisions as class indices.
        probabilities: by model, that of the true label, to four decimals.
        listed: by kind (``harmful``: the reference right and the final model wrong; ``beneficial``:
            the reverse) and reference, places in `rows`; at most 200, those first in which the
            true label's probability changed most.
    """

    classes: tuple[str, ...]
    cells: Mapping[str, tuple[str, ...]]
    final: str
    rows: list[int]
    labels: list[int]
    groups: Mapping[str, list[int]]
    decided: Mapping[str, list[int]]
    probabilities: Mapping[str, list[float]]
    listed: Mapping[str, Mapping[str, list[int]]]

    @classmethod
    def of(cls, test: Mapping[str, Predictions], final: str, threshold: float) -> "Flipped":
        """The flipped rows of models on the same rows.

        Args:
            test: of each model by name, with ``teacher``, ``control`` and ``student``.
            final: the name of the model that is compared.
            threshold: of decisions between two classes.
        """
        truth = test[final].truth
        every = np.arange(truth.n_rows)
        shown = dict.fromkeys(("teacher", "control", "student", final))
        decided = {name: test[name].predicted(threshold) for name in shown}
        given = {name: test[name].probabilities[every, truth.y] for name in shown}
        right = {name: decisions == truth.y for name, decisions in decided.items()}
        chosen = {
            HARMFUL: {
                name: _largest_change(right[name] & ~right[final], given[name] - given[final])
                for name in REFERENCES
            },
            BENEFICIAL: {
                name: _largest_change(right[final] & ~right[name], given[final] - given[name])
                for name in REFERENCES
            },
        }
        rows = np.unique(np.concatenate([r for kind in chosen.values() for r in kind.values()]))
        return cls(
            classes=truth.classes,
            cells={block.name: block.cells for block in truth.blocks},
            final=final,
            rows=rows.tolist(),
            labels=truth.y[rows].tolist(),
            groups={name: cell[rows].tolist() for name, cell in truth.memberships.items()},
            decided={name: decisions[rows].tolist() for name, decisions in decided.items()},
            probabilities={name: p[rows].round(_DIGITS).tolist() for name, p in given.items()},
            listed={
                kind: {name: np.searchsorted(rows, r).tolist() for name, r in by.items()}
                for kind, by in chosen.items()
            },
        )

    def table(self, raw: pd.DataFrame | None = None) -> pd.DataFrame:
        """A row for each kind, reference and row of the split: harmful flips, then beneficial ones.

        Columns: ``row``, ``label``, ``kind``, ``reference``; ``<model>_decision`` and
        ``<model>_probability`` (of the true label); ``group:<block>`` (empty where missing); then
        the raw columns, under ``raw:<name>`` where a name is taken.

        Args:
            raw: the split's raw rows, in its order; ``None`` leaves them out.
        """
        listed = [
            (place, kind, reference)
            for kind, by in self.listed.items()
            for reference, places in by.items()
            for place in places
        ]
        at = np.array([place for place, _, _ in listed], dtype=np.int64)
        rows = np.array(self.rows, dtype=np.int64)[at]
        columns: dict[str, Any] = {
            "row": rows,
            "label": _named(self.classes, self.labels, at),
            "kind": [kind for _, kind, _ in listed],
            "reference": [reference for _, _, reference in listed],
        }
        for model, decisions in self.decided.items():
            columns[f"{model}_decision"] = _named(self.classes, decisions, at)
            columns[f"{model}_probability"] = np.array(self.probabilities[model])[at]
        for block, cells in self.groups.items():
            columns[f"group:{block}"] = _named((*self.cells[block], ""), cells, at)
        if raw is not None:
            features = raw.iloc[rows]
            for place, name in enumerate(map(str, raw.columns)):
                while name in columns:
                    name = f"raw:{name}"
                columns[name] = features.iloc[:, place].array
        return pd.DataFrame(columns)

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Flipped":
        """What `to_json` gave, every float with the same bits."""
        return cls(
            **{
                **plain,
                "classes": tuple(plain["classes"]),
                "cells": {block: tuple(names) for block, names in plain["cells"].items()},
            }
        )


def _largest_change(flipped: NDArray[np.bool_], change: NDArray[np.float64]) -> NDArray[np.int64]:
    """The flipped rows by descending change, the first of equals first; at most `MOST_ROWS`."""
    rows = np.flatnonzero(flipped)
    return rows[(-change[rows]).argsort(kind="stable")[:MOST_ROWS]]


def _named(names: tuple[str, ...], places: list[int], at: NDArray[np.int64]) -> list[str]:
    return [names[places[place]] for place in at]
