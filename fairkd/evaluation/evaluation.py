"""The measured numbers of one model: flat by name, with intervals and tables."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from fairkd.errors import DataError

_NOT_IN_JSON = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Named numbers.

    Attributes:
        metrics: ``<metric>`` overall, ``<metric>/<block>`` for disparities,
            ``<metric>/<block>.<cell>`` for groups.
        intervals: lower and upper bounds under the same names; NaN where there is no interval to
            give.
        tables: the same per-group numbers as tables, one a block.
        undefined: the metrics that are NaN because something has no denominator.
        undefined_draws: for intervals some of whose bootstrap draws were undefined, the share.
    """

    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    tables: dict[str, pd.DataFrame]
    undefined_draws: dict[str, float] = field(default_factory=dict)

    @property
    def undefined(self) -> list[str]:
        """The names of the metrics that are NaN, in the order of `metrics`."""
        return [name for name, value in self.metrics.items() if math.isnan(value)]

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values for standard JSON; NaN and infinities become text."""
        return {
            "metrics": _encoded(self.metrics),
            "intervals": {name: _encoded(bounds) for name, bounds in self.intervals.items()},
            "undefined_draws": _encoded(self.undefined_draws),
            "tables": {name: _table_to_plain(table) for name, table in self.tables.items()},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Evaluation":
        """The evaluation that `to_json` gave, every float with the same bits.

        Raises:
            DataError: the content is not such an evaluation.
        """
        try:
            return cls(
                metrics=_decoded(content["metrics"]),
                intervals={
                    name: (_number(low), _number(high))
                    for name, (low, high) in content["intervals"].items()
                },
                undefined_draws=_decoded(content["undefined_draws"]),
                tables={name: _plain_to_table(plain) for name, plain in content["tables"].items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"This is not a stored evaluation ({error!r}); delete it and evaluate again."
            ) from error


def _encoded(values: Any) -> Any:
    if isinstance(values, Mapping):
        return {name: _encoded(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [_encoded(value) for value in values]
    if isinstance(values, float) and not math.isfinite(values):
        return "NaN" if math.isnan(values) else ("Infinity" if values > 0 else "-Infinity")
    return values


def _number(value: str | float) -> float:
    return _NOT_IN_JSON[value] if isinstance(value, str) else float(value)


def _decoded(values: Mapping[str, str | float]) -> dict[str, float]:
    return {name: _number(value) for name, value in values.items()}


def _table_to_plain(table: pd.DataFrame) -> dict[str, Any]:
    return {
        "index_name": table.index.name,
        "index": [str(name) for name in table.index],
        "columns": {
            str(name): {"dtype": str(column.dtype), "values": _encoded(column.tolist())}
            for name, column in table.items()
        },
    }


def _plain_to_table(plain: Mapping[str, Any]) -> pd.DataFrame:
    index = pd.Index(plain["index"], name=plain["index_name"], dtype="str")
    columns = {
        name: pd.Series(_column(column), index=index) for name, column in plain["columns"].items()
    }
    return pd.DataFrame(columns, index=index)


def _column(column: Mapping[str, Any]) -> Any:
    if column["dtype"].startswith("float"):
        return pd.array([_number(value) for value in column["values"]], dtype="float64").to_numpy()
    return pd.array(column["values"], dtype=column["dtype"])
