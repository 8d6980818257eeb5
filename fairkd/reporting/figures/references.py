"""Teacher and control beside a comparison's students: each different one once."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fairkd.sweeps.estimate import Estimate
from fairkd.sweeps.outcome import MEASURES, Measure, Model
from fairkd.sweeps.repetitions import SEEDS_OF, distinct
from fairkd.sweeps.summary import Row

_Values = Mapping[tuple[int | None, ...], tuple[float, ...]]


@dataclass(frozen=True)
class Reference:
    """One teacher or control and the configurations that it stands beside.

    Attributes:
        model: ``teacher`` or ``control``.
        row: of those configurations, the one with the most repetitions of it.
        rows: how many they are.
    """

    model: Model
    row: Row
    rows: int

    def estimate(self, measure: Measure) -> Estimate:
        """Its number on test."""
        return self.row.estimate(self.model, "test", measure)


def references(rows: Sequence[Row], model: Model) -> list[Reference]:
    """The different teachers, or controls, of a comparison.

    Configurations share one where it has the same numbers under the same seeds; some may have more
    repetitions of it than others.
    """
    known: list[tuple[dict[tuple[int | None, ...], tuple[float, ...]], list[Row]]] = []
    for row in rows:
        values = _values(row, model)
        for seen, sharing in known:
            if _agree(seen, values):
                seen |= values
                sharing.append(row)
                break
        else:
            known.append((dict(values), [row]))
    return [
        Reference(model, max(sharing, key=lambda row: len(_values(row, model))), len(sharing))
        for _, sharing in known
    ]


def _values(row: Row, model: Model) -> _Values:
    return {
        tuple(job.seeds.get(key) for key in SEEDS_OF[model]): tuple(
            job.value(model, "test", measure) for measure in MEASURES
        )
        for job in distinct(row.outcomes, model)
    }


def _agree(one: _Values, other: _Values) -> bool:
    """Whether two have the same numbers under the seeds that both have, of which there are some."""
    shared = one.keys() & other.keys()
    return bool(shared) and all(
        a == b or (math.isnan(a) and math.isnan(b))
        for seeds in shared
        for a, b in zip(one[seeds], other[seeds], strict=True)
    )
