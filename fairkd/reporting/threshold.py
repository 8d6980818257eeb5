"""The threshold that a report is about: asked for, or what its jobs were bound to."""

from collections.abc import Iterable
from typing import NamedTuple

from fairkd.record import JobRecord

DEFAULT = 0.05


class Threshold(NamedTuple):
    """A bound on the gap, and where it comes from.

    Attributes:
        value: the gap is to be at most this.
        source: a sentence.
    """

    value: float
    source: str


def threshold_of(records: Iterable[JobRecord], asked: float | None) -> Threshold:
    """What was asked for, else the one threshold that all jobs bound their gap by, else 0.05.

    Args:
        records: of the jobs.
        asked: by the user.
    """
    if asked is not None:
        return Threshold(asked, f"The threshold of {asked:g} was asked for.")
    given = sorted({value for record in records for value in _thresholds(record)})
    if len(given) == 1:
        return Threshold(given[0], f"The threshold of {given[0]:g} is the one of the jobs' bounds.")
    reason = (
        f"the jobs' bounds have several thresholds ({', '.join(f'{one:g}' for one in given)})"
        if given
        else "no job bounds this gap by a threshold above 0"
    )
    return Threshold(
        DEFAULT, f"The threshold of {DEFAULT:g} is taken because {reason}; threshold= sets it."
    )


def _thresholds(record: JobRecord) -> list[float]:
    return [bound.threshold for bound in record.headline_bounds if bound.threshold > 0]
