"""The measured numbers of one model: flat by name, with intervals, and tables made of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import pandas as pd

from fairkd.errors import DataError
from fairkd.evaluation.flips import Flips

_NOT_IN_JSON = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class Layout(NamedTuple):
    """What a block's table shows: its rows and, in order, its per-group metrics."""

    cells: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Named numbers.

    Attributes:
        metrics: ``<metric>`` overall, ``<metric>/<block>`` for disparities,
            ``<metric>/<block>.<cell>`` for groups.
        intervals: lower and upper bounds under the same names; NaN where there is no interval to
            give, and no entry for counts.
        layouts: which of them are a table, one a block.
        flips: for some blocks, a table of another kind.
        undefined_draws: for intervals some of whose bootstrap draws were undefined, the share.
    """

    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    layouts: dict[str, Layout]
    flips: dict[str, Flips] = field(default_factory=dict)
    undefined_draws: dict[str, float] = field(default_factory=dict)

    @property
    def undefined(self) -> list[str]:
        """The names of the metrics that are NaN, in the order of `metrics`."""
        return [name for name, value in self.metrics.items() if math.isnan(value)]

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The per-group numbers as tables, one a block, and its flips under ``<block>/flips``.

        One row a cell (empty ones too), with ``<metric>_low`` and ``_high`` beside a metric that
        has an interval.
        """
        tables = {block: self._table(block, layout) for block, layout in self.layouts.items()}
        return tables | {f"{block}/flips": flips.table() for block, flips in self.flips.items()}

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values for standard JSON; NaN and infinities become text."""
        return {**self.names_to_json(), **self.numbers_to_json()}

    def names_to_json(self) -> dict[str, Any]:
        """What all evaluations of one kind on the same rows share."""
        names = list(self.metrics)
        # A column is told by where the metric of its first cell is among the names.
        places = {name: place for place, name in enumerate(names)}
        return {
            "names": names,
            "layouts": {
                block: [
                    list(layout.cells),
                    [places[column + _suffix(block, layout.cells)] for column in layout.columns],
                ]
                for block, layout in self.layouts.items()
            },
        }

    def numbers_to_json(self) -> dict[str, Any]:
        """What `names_to_json` leaves out; a metric without interval has the bounds ``None``."""
        bounds = [self.intervals.get(name, (None, None)) for name in self.metrics]
        plain: dict[str, Any] = {
            "values": encoded(list(self.metrics.values())),
            "low": encoded([low for low, _ in bounds]),
            "high": encoded([high for _, high in bounds]),
        }
        if self.undefined_draws:
            plain["undefined_draws"] = self.undefined_draws
        if self.flips:
            plain["flips"] = {block: flips.to_json() for block, flips in self.flips.items()}
        return plain

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Evaluation":
        """The evaluation that `to_json` gave, every float with the same bits.

        Raises:
            DataError: the content is not such an evaluation.
        """
        return cls.from_parts(content, content)

    @classmethod
    def from_parts(cls, names: Mapping[str, Any], numbers: Mapping[str, Any]) -> "Evaluation":
        """The evaluation of which `names_to_json` and `numbers_to_json` gave the parts.

        Raises:
            DataError: the content is not such an evaluation.
        """
        try:
            bounds = zip(names["names"], numbers["low"], numbers["high"], strict=True)
            values = map(number, numbers["values"])
            return cls(
                metrics=dict(zip(map(str, names["names"]), values, strict=True)),
                intervals={
                    name: (number(low), number(high))
                    for name, low, high in bounds
                    if low is not None
                },
                layouts={
                    block: Layout(
                        tuple(cells),
                        tuple(
                            names["names"][place].removesuffix(_suffix(block, cells))
                            for place in places
                        ),
                    )
                    for block, (cells, places) in names["layouts"].items()
                },
                flips={
                    name: Flips.from_json(plain) for name, plain in numbers.get("flips", {}).items()
                },
                undefined_draws=dict(numbers.get("undefined_draws", {})),
            )
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise DataError(
                f"This is not a stored evaluation ({error!r}); delete it and evaluate again."
            ) from error

    def _table(self, block: str, layout: Layout) -> pd.DataFrame:
        columns: dict[str, list[float] | list[int]] = {}
        for metric in layout.columns:
            names = [f"{metric}/{block}.{cell}" for cell in layout.cells]
            values = [self.metrics[name] for name in names]
            bounds = [self.intervals[name] for name in names if name in self.intervals]
            if not bounds:
                columns[metric] = [int(value) for value in values]
                continue
            columns[metric] = values
            columns[f"{metric}_low"] = [low for low, _ in bounds]
            columns[f"{metric}_high"] = [high for _, high in bounds]
        return pd.DataFrame(columns, index=pd.Index(layout.cells, name="group", dtype="str"))


def evaluations_to_json(evaluations: Mapping[str, Evaluation]) -> dict[str, Any]:
    """Evaluations of one kind on the same rows: what they share once, then each one's numbers."""
    shared = next(iter(evaluations.values())).names_to_json() if evaluations else {}
    return {
        **shared,
        "models": {name: each.numbers_to_json() for name, each in evaluations.items()},
    }


def evaluations_from_json(plain: Mapping[str, Any]) -> dict[str, Evaluation]:
    """What `evaluations_to_json` gave.

    Raises:
        DataError: one of them is no evaluation.
    """
    return {
        name: Evaluation.from_parts(plain, numbers) for name, numbers in plain["models"].items()
    }


def _suffix(block: str, cells: Sequence[str]) -> str:
    return f"/{block}.{cells[0]}"


def encoded(values: Sequence[float | None]) -> list[float | str | None]:
    """Numbers for standard JSON, which has no NaN and no infinities."""
    return [value if value is None or math.isfinite(value) else _text_of(value) for value in values]


def number(value: str | float) -> float:
    """One of the numbers that `encoded` gave.

    Raises:
        KeyError: a text that stands for no number.
        TypeError: no number.
    """
    return _NOT_IN_JSON[value] if isinstance(value, str) else float(value)


def _text_of(value: float) -> str:
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
